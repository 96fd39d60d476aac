package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"volcard/api/public"
	"volcard/api/web"
	"volcard/internal/config"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/sessionstore"
	"volcard/templates"
	"volcard/workflows"
)

// pages joins the rooms to what they stand on.
func pages(p *parts, cfg config.API, _ *workflows.Starter, _ *casewatch.Watcher) (http.Handler, error) {
	kit, err := web.New(web.Options{
		Templates: templates.FS, BaseURL: cfg.HTTP.Public.BaseURL, Demo: cfg.Demo.On, Proxies: cfg.HTTP.TrustedProxies,
		MaxBody: cfg.HTTP.MaxBodyBytes, Clock: p.clock, Log: p.log, Sessions: sessionstore.New(p.db, p.clock), Vault: p.vault,
	})
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Get("/static/*", kit.Static)
	r.Group(func(r chi.Router) {
		r.Use(kit.Standard()...)
		r.Use(p.metrics.HTTP)
		r.NotFound(kit.NotFound)
		r.MethodNotAllowed(kit.MethodNotAllowed)
		public.Home{Kit: kit, Contacts: public.DemoContacts()}.Routes(r)
	})
	return r, nil
}
