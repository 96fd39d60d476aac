package applicant_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
)

// The field of another phone is hidden while the account's is chosen: what is wrong with that one is
// said at the choice.
func TestApplyPhoneSaysWhyNoCodeWasSent(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft(func(d *card.Draft) {
		*d = card.Draft{Edition: card.General, Identity: card.Worker, NoticeVersion: card.NoticeVersion}
	})
	page := p.Get("/apply/phone").Lacks(".other-phone .optional").Submit(form("phone"), nil).WantAt("/apply/phone")
	page = page.Submit("form:not([data-once]):has([value=change]), form:has(button[value=change])", map[string]string{"action": "change"})
	page = page.WantAt("/apply/phone").Submit(form("phone"), nil).Want(422)
	page.WantText(".choices #f-phone-from-error", "操作太频繁").Lacks(".other-phone .error")
	require.Equal(t, 1, page.Find("input[value=account][checked]").Length())
}
