package regular

import (
	"context"
	"errors"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gofrs/uuid/v5"
	"golang.org/x/sync/semaphore"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/photo"
	"volcard/internal/store/personstore"
	"volcard/internal/store/photostore"
)

const (
	// MaxUpload is the one exception from the kit's limit. It is more than a photo may have: what is over
	// is read and thrown away, so that the browser hears the answer instead of a broken connection.
	MaxUpload  = 2 * photo.MaxBytes
	uploadTime = 2 * time.Minute
	// A form has a few short fields beside the file.
	mostFields, longestField = 16, 200
	// decoding bounds the wait for one of the places at which photos are decoded.
	decoding = 20 * time.Second
	// inMemory bounds what this process holds of uploads, in bytes: twenty of the largest, hundreds of those
	// that the browser made smaller.
	inMemory = 20 * photo.MaxBytes
)

var memory = semaphore.NewWeighted(inMemory)

// UploadBody is the limit of the routes on which photos are uploaded, in bytes and in time: a file that was
// not scaled by its browser takes a slow network longer than a form.
func UploadBody() func(http.Handler) http.Handler {
	bounded := web.BodyLimit(MaxUpload)
	return func(next http.Handler) http.Handler {
		limited := bounded(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			until := clock.System{}.Now().Add(uploadTime)
			// A connection that knows no deadlines has none to be lengthened.
			_ = control.SetReadDeadline(until)
			_ = control.SetWriteDeadline(until.Add(2 * decoding))
			limited.ServeHTTP(w, r)
		})
	}
}

// Upload is part "photo-upload": where a photo is chosen, and what was wrong with the last one.
type Upload struct {
	Action  string
	Hidden  []Hidden // fields that travel along
	Submit  string
	Error   string
	Reasons []photo.Finding // why the last photo was refused; Error is then the first of them
	Tools   bool            // the photo was cropped on the page: its buttons can mend some reasons
	Kept    bool            // an earlier photo stays in use
	Consent *Consent        // nil: it was given
}

// Consent is asked for with the upload: a photo is sensitive data, and is not taken without it (PIPL 29).
type Consent struct {
	consent.Item
	Checked bool
	Error   string
}

const consentField = "consent"

// Asking adds to the form of an upload the consent that is still to be given. in is the form that was refused.
func (s Studio) Asking(ctx context.Context, person uuid.UUID, up Upload, in *web.Form) (Upload, error) {
	item, given, err := s.consented(ctx, person)
	if err == nil && !given {
		up.Consent = &Consent{Item: item, Checked: in.Is(consentField, item.Key()), Error: in.Error(consentField)}
	}
	return up, err
}

func (s Studio) consented(ctx context.Context, person uuid.UUID) (consent.Item, bool, error) {
	item, _ := consent.Lookup(consent.Photo)
	list, err := s.Consents.List(ctx, person)
	return item, slices.ContainsFunc(list, func(g personstore.Given) bool { return g.Purpose == item.Purpose && g.Current() }), err
}

// consent records the consent that came with an upload, where it was not given before. Without it the
// photo is not looked at.
func (s Studio) consent(ctx context.Context, person uuid.UUID, in *Received) error {
	item, given, err := s.consented(ctx, person)
	if err != nil || given {
		return err
	}
	if !in.Form.Is(consentField, item.Key()) {
		in.Form.Fail(consentField, "需要您单独同意这一项，才能上传照片。")
		return nil
	}
	return s.Consents.Give(ctx, person, item.Purpose)
}

// Refused is the form after a refusal. kept tells of an earlier photo that stays in use.
func (in *Received) Refused(reasons []photo.Finding, kept bool) Upload {
	return Upload{Error: in.Form.Error(card.FieldPhoto), Reasons: reasons, Tools: in.Form.Get("w") != "", Kept: kept}
}

// Crop are the fields that a browser with JavaScript fills: the rectangle, and the turn before it.
func (Upload) Crop() []string { return []string{"x", "y", "w", "h", "rotate"} }

// Hidden is a field that travels along.
type Hidden struct{ Name, Value string }

// Received is a form with a photo. The file stays in memory, until Close, and is written to no disk.
type Received struct {
	Form    *web.Form
	file    []byte
	named   bool  // a file was chosen
	refused error // why the file was not looked at
	weight  int64 // what is taken of memory
}

// Close forgets the file.
func (in *Received) Close() {
	memory.Release(in.weight)
	in.file, in.weight = nil, 0
}

// Receive reads the form; the caller closes it. A fault of the request as a whole is returned; what is wrong
// with the photo comes out when it is made. An upload is counted before it is read: of one too many only the
// fields are kept, for the page that says so.
func (s Studio) Receive(r *http.Request, who *web.Principal) (*Received, error) {
	in := &Received{Form: web.FormOf(r)}
	if err := s.admit(r, who, in); err != nil {
		return in, err
	}
	err := in.read(r)
	if err != nil {
		in.Close()
	}
	return in, err
}

func (s Studio) admit(r *http.Request, who *web.Principal, in *Received) error {
	err := s.Limits.Allow(r.Context(), limit.PhotoUpload, who.ID.String())
	if wait, ok := limit.RetryAfter(err); ok {
		in.refused = fault.Wrap(fault.TooMany, err, "上传照片太频繁，请在"+limit.Text(wait)+"后再试。您之前的内容没有丢失。")
		return nil
	}
	if err != nil {
		return err
	}
	weight := r.ContentLength
	if weight < 0 || weight > photo.MaxBytes {
		weight = photo.MaxBytes
	}
	if !memory.TryAcquire(weight) {
		in.refused = fault.New(fault.Unavailable, "现在上传照片的人较多，请稍后再试。您之前的内容没有丢失。")
		return nil
	}
	in.weight = weight
	return nil
}

func (in *Received) read(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "没有读懂提交的内容，请返回重填。")
	}
	for range mostFields {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = in.take(part)
		}
		if err != nil {
			return unread(err)
		}
	}
	return fault.New(fault.Invalid, "没有读懂提交的内容，请返回重填。")
}

func (in *Received) take(part *multipart.Part) error {
	name, most := part.FormName(), int64(longestField)
	if name == card.FieldPhoto {
		most = photo.MaxBytes + 1 // one more than internal/photo takes: it then says so
		if in.refused != nil {
			most = 0
		}
	}
	content, err := io.ReadAll(io.LimitReader(part, most))
	if err != nil {
		return err
	}
	if name == card.FieldPhoto {
		in.file, in.named = content, part.FileName() != ""
	} else {
		in.Form.Values.Set(name, string(content))
	}
	_, err = io.Copy(io.Discard, part)
	return err
}

// unread: a body over the limit is 413, a broken one the sender's mistake.
func unread(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return err
	}
	return fault.Wrap(fault.Invalid, err, "照片没有传完，请检查网络后重新上传。")
}

// crop reads the rectangle that the browser chose; all fields empty: none.
func crop(form *web.Form) (photo.Crop, bool) {
	var c photo.Crop
	for name, into := range map[string]*float64{"x": &c.X, "y": &c.Y, "w": &c.W, "h": &c.H} {
		text := form.Get(name)
		if text == "" {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return c, false
		}
		*into = v
	}
	if text := form.Get("rotate"); text != "" {
		v, err := strconv.Atoi(text)
		if err != nil {
			return c, false
		}
		c.Rotate = v
	}
	return c, true
}

// Accept turns the upload into the card's photo and keeps it. What the person can mend stands at the form
// afterwards, with the reasons in their order and the status of the answer.
func (s Studio) Accept(ctx context.Context, person uuid.UUID, in *Received) (id uuid.UUID, reasons []photo.Finding, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, decoding)
	defer cancel()
	if in.refused == nil {
		if err := s.consent(ctx, person, in); err != nil {
			return uuid.Nil, nil, 0, err
		}
		if !in.Form.OK() {
			return uuid.Nil, nil, in.Form.Status(), nil
		}
	}
	id, err = s.keep(ctx, person, in)
	if err == nil {
		return id, nil, http.StatusOK, nil
	}
	var refusal *photo.Refusal
	if errors.As(err, &refusal) {
		reasons = refusal.Reasons
	}
	switch status = web.StatusOf(err); status {
	case http.StatusServiceUnavailable, http.StatusUnprocessableEntity, http.StatusTooManyRequests:
		in.Form.FailIf(card.FieldPhoto, err)
		return uuid.Nil, reasons, status, nil
	}
	return uuid.Nil, nil, status, err
}

func (s Studio) keep(ctx context.Context, person uuid.UUID, in *Received) (uuid.UUID, error) {
	if in.refused != nil {
		return uuid.Nil, in.refused
	}
	if !in.named {
		return uuid.Nil, fault.New(fault.Invalid, "请先选择或拍摄一张照片。")
	}
	part, ok := crop(in.Form)
	if !ok {
		return uuid.Nil, &photo.Refusal{Reasons: []photo.Finding{{Code: photo.CropOutside}}}
	}
	made, err := photo.Make(ctx, in.file, part)
	if err != nil {
		return uuid.Nil, err
	}
	kept := photostore.New{JPEG: made.JPEG, SHA256: made.SHA256, Verdict: string(made.Verdict)}
	for _, f := range made.Findings {
		kept.Findings = append(kept.Findings, string(f.Code))
	}
	return s.Photos.Add(ctx, person, kept)
}
