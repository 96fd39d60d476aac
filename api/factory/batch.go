package factory

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"volcard/api/web"
	"volcard/internal/batch"
	"volcard/internal/fault"
	"volcard/internal/store/batchstore"
)

// look again while the files are being written.
const lookAgain = 10 // seconds

type batchPage struct {
	web.Frame
	Batch   batchstore.Batch
	Steps   []step
	Files   []file
	Parcels []batchstore.Parcel
	Next    *word // what the factory reports next; nil: nothing
}

// step is a station of the batch.
type step struct {
	Text string
	At   *time.Time
	Now  bool
}

// file is a file with its words.
type file struct {
	batchstore.FileInfo
	base string
}

// Path is where it is downloaded.
func (f file) Path() string {
	if f.Kind == batchstore.Manifest {
		return f.base + "/manifest.csv"
	}
	return f.base + "/print/" + strconv.Itoa(f.N) + ".pdf"
}

// Text names it.
func (f file) Text() string {
	if f.Kind == batchstore.Manifest {
		return "制卡清单（CSV）"
	}
	return "印制文件 " + strconv.Itoa(f.N) + "（PDF）"
}

// SizeText is the size for people.
func (f file) SizeText() string {
	if f.Size < 1<<10 {
		return fmt.Sprintf("%d 字节", f.Size)
	}
	if f.Size < 1<<20 {
		return fmt.Sprintf("%.1f KB", float64(f.Size)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(f.Size)/(1<<20))
}

func stepsOf(b batchstore.Batch) []step {
	steps := []step{
		{"冻结", &b.FrozenAt, b.State == batch.Frozen},
		{"文件就绪", b.RenderedAt, b.State == batch.Rendered},
		{"已印制", b.PrintedAt, b.State == batch.Printed},
		{"已寄出", b.ShippedAt, b.State == batch.Shipped},
		{"全部到达", b.DoneAt, b.State == batch.Done},
	}
	return steps
}

func (h room) show(w http.ResponseWriter, r *http.Request) error {
	b, err := h.batchOf(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	p := &batchPage{Frame: web.Frame{Title: "批次 " + b.Number}, Batch: b, Steps: stepsOf(b), Next: nextWord(b.State)}
	files, err := h.Reads.Files(ctx, b.ID)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Size > 0 { // a print file of which every card was taken out is empty
			p.Files = append(p.Files, file{f, "/factory/batches/" + b.ID.String()})
		}
	}
	if p.Parcels, err = h.Reads.Parcels(ctx, b.ID); err != nil {
		return err
	}
	if b.State == batch.Frozen {
		p.Refresh = lookAgain
	}
	return h.Kit.Render(w, r, http.StatusOK, "factory/batch", p)
}

func (h room) manifest(w http.ResponseWriter, r *http.Request) error {
	return h.send(w, r, batchstore.Manifest, 1, "text/csv; charset=utf-8", func(b batchstore.Batch) string { return b.Number + ".csv" })
}

func (h room) print(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.Atoi(chi.URLParam(r, "n"))
	if err != nil || n < 1 {
		return errNoFile
	}
	return h.send(w, r, batchstore.Print, n, "application/pdf", func(b batchstore.Batch) string { return fmt.Sprintf("%s-%02d.pdf", b.Number, n) })
}

var errNoFile = fault.New(fault.NotFound, "没有这个文件；批次完成后文件会被删除。")

func (h room) send(w http.ResponseWriter, r *http.Request, kind string, n int, mime string, name func(batchstore.Batch) string) error {
	b, err := h.batchOf(r)
	if err != nil {
		return err
	}
	me := web.User(r).ID
	body, err := h.Files.Take(r.Context(), me, b.ID, kind, n)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return errNoFile
	}
	// Eleven megabytes take a slow line longer than a page may. A server without deadlines has none to lift.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	slog.InfoContext(r.Context(), "factory file downloaded", "staff", me, "batch", b.Number, "kind", kind, "n", n)
	return web.SendPrivate(w, r, mime, name(b), body)
}
