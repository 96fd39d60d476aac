package applicant

import (
	"context"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/placestore"
	"volcard/workflows"
)

// Deps is what the wizard and the pages of the card stand on.
type Deps struct {
	Kit         *web.Kit
	BaseURL     *url.URL // the address in the card's QR begins with it
	Terms       card.Terms
	Face        *render.Face // of the general edition
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
	ChooseBranch(ctx context.Context, in workflows.ChooseBranchInput) error
	Withdraw(ctx context.Context, in workflows.WithdrawInput) error
}

// Routes mounts the wizard and the pages of the card. Every object is asked for together with the
// person whom it belongs to: somebody else's id is the same as one that does not exist.
func Routes(r chi.Router, d Deps) {
	pictures := newPainter()
	r.Group(func(r chi.Router) {
		r.Use(d.Kit.RequirePerson)
		wizard{d}.routes(r, pictures)
		cards{d}.routes(r, pictures)
	})
}
