package public

import (
	"net/http"
	"regexp"

	"github.com/go-chi/chi/v5"

	"volcard/api/web"
	"volcard/internal/store/messagestore"
)

// Outbox is the demonstration's phone: every message that the system sends, as people would read
// it. The page exists only where nothing is real.
type Outbox struct {
	Kit    *web.Kit
	Outbox messagestore.Outbox
}

// OutboxPath is the page's address.
const OutboxPath = "/dev/outbox"

// outboxShown is how many messages the page shows.
const outboxShown = 30

// Routes mounts the page in a demonstration and nothing otherwise.
func (o Outbox) Routes(r chi.Router) {
	if o.Kit.Demo() {
		r.Get(OutboxPath, o.Kit.Handle(o.show))
	}
}

type sms struct {
	messagestore.Text
	Code string // the first code in the text, to be tapped and copied
}

type outboxPage struct {
	web.Frame
	Messages []sms
}

var codeDigits = regexp.MustCompile(`\b[0-9]{6,8}\b`)

func (o Outbox) show(w http.ResponseWriter, r *http.Request) error {
	list, err := o.Outbox.Recent(r.Context(), outboxShown)
	if err != nil {
		return err
	}
	page := &outboxPage{Frame: web.Frame{Title: "演示手机", Back: "/"}}
	for _, m := range list {
		page.Messages = append(page.Messages, sms{Text: m, Code: codeDigits.FindString(m.Body)})
	}
	w.Header().Set("Cache-Control", "no-store")
	if web.IsHTMX(r) {
		return o.Kit.RenderPart(w, r, http.StatusOK, "dev/outbox", "messages", page)
	}
	return o.Kit.Render(w, r, http.StatusOK, "dev/outbox", page)
}
