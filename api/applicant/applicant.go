package applicant

import (
	"context"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/cases"
	"volcard/api/applicant/picture"
	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/limit"
	"volcard/internal/place"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/placestore"
	"volcard/internal/vault"
	"volcard/workflows"
)

// Deps is what the wizard and the pages of the card stand on.
type Deps struct {
	Kit         *web.Kit
	BaseURL     *url.URL // the address in the card's QR begins with it
	Terms       card.Terms
	Faces       render.Faces
	People      personstore.People
	Consents    personstore.Consents
	Codes       codestore.Codes
	Places      placestore.Store
	Drafts      cardstore.Drafts
	Submissions cardstore.Submissions
	Cases       cardstore.Cases
	Starter     Starter
	Processes   Processes
	Watch       *casewatch.Watcher
	// Calendar gives the calendar in force.
	Calendar func(context.Context) (*calendar.Calendar, error)

	// Of the regular edition only.
	Designs      regular.Designs
	Photos       photostore.Photos
	Limits       limit.Limiter
	Vault        *vault.Vault
	RegularTerms card.RegularTerms
}

// Starter starts the process of an accepted application; *workflows.Starter.
type Starter interface {
	// Accepting tells that a submission is under way, until done is called: starts yield to many.
	Accepting() (done func())
	// Start queues the application and tells how many wait before it.
	Start(application uuid.UUID) (before int)
}

// Processes are the decisions that an applicant takes about a running case; *workflows.Client.
type Processes interface {
	regular.Processes
	ChooseBranch(ctx context.Context, in workflows.ChooseBranchInput) error
	Withdraw(ctx context.Context, in workflows.WithdrawInput) error
}

// opening is when a branch with these hours is open, by the calendar in force.
func (d Deps) opening(ctx context.Context, hours place.WeekHours) (place.Opening, error) {
	cal, err := d.Calendar(ctx)
	return place.Opening{Hours: hours, Calendar: cal}, err
}

func (d Deps) promises() regular.Promises {
	return regular.Promises{Calendar: d.Calendar, Terms: d.RegularTerms}
}

// Routes mounts the wizard and the pages of the card. Every object is asked for together with the
// person whom it belongs to: somebody else's id is the same as one that does not exist.
func Routes(r chi.Router, d Deps) {
	pictures := picture.NewPainter()
	studio := regular.Studio{
		Kit: d.Kit, Photos: d.Photos, Limits: d.Limits, Consents: d.Consents, Faces: d.Faces, Designs: d.Designs, Pictures: pictures,
	}
	desk := cases.Desk{Kit: d.Kit, Cases: d.Cases, Terms: d.Terms, Start: d.Starter.Start}
	r.Group(func(r chi.Router) {
		r.Use(d.Kit.RequirePerson)
		wizard{d, studio}.routes(r)
		cards{d, desk}.routes(r, studio)
		regular.Changes{
			Studio: studio, Desk: desk, People: d.People, Codes: d.Codes, Vault: d.Vault,
			Promises: d.promises(), Processes: d.Processes,
		}.Routes(r)
	})
}
