package public

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"volcard/api/web"
	"volcard/internal/store/staffstore"
)

// DemoLogins shows the demonstration's accounts, with the codes that their authenticators would
// show now. The page exists only where nothing is real.
type DemoLogins struct {
	Kit   *web.Kit
	Staff staffstore.Store
	// Password is the one of every account that the demonstration made.
	Password string
	People   []DemoPerson
}

// DemoPerson is an applicant of the demonstration.
type DemoPerson struct{ Name, IDNumber string }

// DemoLoginsPath is the page's address.
const DemoLoginsPath = "/dev/logins"

// Routes mounts the page in a demonstration and nothing otherwise.
func (d DemoLogins) Routes(r chi.Router) {
	if d.Kit.Demo() {
		r.Get(DemoLoginsPath, d.Kit.Handle(d.show))
	}
}

type demoLoginsPage struct {
	web.Frame
	People   []DemoPerson
	Staff    []staffstore.DemoAccount
	Password string
}

func (d DemoLogins) show(w http.ResponseWriter, r *http.Request) error {
	accounts, err := d.Staff.DemoAccounts(r.Context())
	if err != nil {
		return err
	}
	page := &demoLoginsPage{
		Frame:  web.Frame{Title: "演示账号", Back: "/", Anonymous: true, Refresh: 15},
		People: d.People, Staff: accounts, Password: d.Password,
	}
	w.Header().Set("Cache-Control", "no-store")
	return d.Kit.Render(w, r, http.StatusOK, "dev/logins", page)
}
