package applicant

import "github.com/go-chi/chi/v5"

// apply is the wizard.
type apply struct{ Deps }

func newApply(d Deps) apply { return apply{d} }

func (a apply) routes(chi.Router) {}
