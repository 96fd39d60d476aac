// Package applicant is the room of people who are logged in as themselves: their account, their
// application, their card. Every object is asked for together with the person it belongs to, so
// somebody else's id is the same as one that does not exist.
package applicant

import (
	"context"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/render"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/placestore"
	"volcard/workflows"
)

// Deps is what the room's pages stand on.
type Deps struct {
	Kit   *web.Kit
	Clock clock.Clock

	// Of the wizard and the card.
	BaseURL     *url.URL // the QR's address begins with it
	Terms       card.Terms
	Face        *render.Face // of the general edition
	Drafts      cardstore.Drafts
	Submissions cardstore.Submissions
	Cases       cardstore.Cases
	Places      placestore.Store
	Starter     Starter
	Processes   Processes
	Watch       *casewatch.Watcher
}

// Starter starts the process of an accepted application; *workflows.Starter.
type Starter interface {
	// Start queues the application and tells how many wait before it.
	Start(application uuid.UUID) (before int)
}

// Processes are the decisions that an applicant takes about a running case; *workflows.Client.
type Processes interface {
	ChooseBranch(ctx context.Context, in workflows.ChooseBranchInput) error
	Withdraw(ctx context.Context, in workflows.WithdrawInput) error
}

// Routes mounts the room.
func Routes(r chi.Router, d Deps) {
	r.Group(func(r chi.Router) {
		r.Use(d.Kit.RequirePerson)
		newApply(d).routes(r)
		newCards(d).routes(r)
	})
}
