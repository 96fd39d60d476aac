package applicant

import "github.com/go-chi/chi/v5"

// cards are the pages of a person's cases.
type cards struct{ Deps }

func newCards(d Deps) cards { return cards{d} }

func (c cards) routes(chi.Router) {}
