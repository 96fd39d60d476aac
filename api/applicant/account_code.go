package applicant

import (
	"net/http"
	"time"

	"volcard/api/web"
	"volcard/internal/person"
)

// resendAfter is how long the page waits before it offers another code: the shortest window of
// limit.CodePhone. The server decides by its own count.
const resendAfter = time.Minute

// codePage asks for the code that was sent, and for a new password where the process wants one.
type codePage struct {
	web.Frame
	Form        *web.Form
	Steps       web.Steps
	Lead        string
	Action      string // path that the form is sent to
	Submit      string
	Resend      string // path of the button that sends another code
	Change      string // path on which the number can be changed; empty: not here
	AskPassword bool
	Wait        int // seconds until another code can be asked for
}

// phonePage asks for a phone number.
type phonePage struct {
	web.Frame
	Form        *web.Form
	Steps       web.Steps
	Lead        string
	Action      string
	AskPassword bool
}

// wait is the number of seconds until another code may be asked for.
func (a Account) wait(sent time.Time) int {
	return max(0, int(sent.Add(resendAfter).Sub(a.Kit.Now()).Seconds()))
}

// newPassword reads the two fields of a new password and notes every reason why it will not do.
func newPassword(form *web.Form, id person.IDNumber, phone person.Phone) string {
	password := form.Raw("password")
	for _, reason := range person.CheckPassword(password, id, phone) {
		form.Fail("password", reason)
	}
	if form.Error("password") == "" && password != form.Raw("password_again") {
		form.Fail("password_again", "两次输入的密码不一样。")
	}
	return password
}

// started reads what an earlier page of a process left in the session; without it the person
// is sent back to the first page, as after a long pause.
func started[T any](kit *web.Kit, w http.ResponseWriter, r *http.Request, name, first string, into *T) (*web.Session, bool, error) {
	s, err := kit.Session(r)
	if err != nil {
		return nil, false, err
	}
	if !s.GetJSON(name, into) {
		kit.FlashWarn(r, "停留时间太长，请重新填写。")
		web.Redirect(w, r, first)
		return nil, false, nil
	}
	return s, true, nil
}
