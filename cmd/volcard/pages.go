package main

import (
	"net/http"
	"runtime"
	"strings"

	"volcard/api"
	"volcard/api/admin"
	"volcard/api/applicant"
	"volcard/api/branch"
	"volcard/api/factory"
	"volcard/api/public"
	"volcard/api/review"
	"volcard/api/staff"
	"volcard/api/web"
	"volcard/internal/config"
	"volcard/internal/credential"
	"volcard/internal/passwd"
	"volcard/internal/render"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/formstore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/sessionstore"
	"volcard/internal/store/staffstore"
	"volcard/internal/store/verifystore"
	"volcard/templates"
	"volcard/workflows"
)

// floodPerMinute bounds the requests of one address; a campus stands behind one.
const floodPerMinute = 6000

// pages joins the rooms to what they stand on.
func pages(p *parts, cfg config.API, starter *workflows.Starter, watch *casewatch.Watcher) (http.Handler, error) {
	kit, err := web.New(web.Options{
		Templates: templates.FS, BaseURL: cfg.HTTP.Public.BaseURL, Demo: cfg.Demo.On, Proxies: cfg.HTTP.TrustedProxies,
		MaxBody: cfg.HTTP.MaxBodyBytes, FloodPerMinute: floodPerMinute, Clock: p.clock, Log: p.log, Workday: cfg.Cards.Workday,
		Sessions: sessionstore.New(p.db, p.clock), Forms: formstore.New(p.db, p.clock), Vault: p.vault, LoadOf: api.LoadOf, Bounds: bounds(cfg.Load),
	})
	if err != nil {
		return nil, err
	}
	p.metrics.Loads(kit.Loads)
	people, err := p.people()
	if err != nil {
		return nil, err
	}
	var (
		limiter  = codestore.Limiter{DB: p.db, Vault: p.vault, Clock: p.clock}
		codes    = codestore.Codes{DB: p.db, Vault: p.vault, Clock: p.clock, PerNetwork: cfg.Limits.CodesPerNetwork}
		cards    = verifystore.Store{DB: p.db}
		cases    = cardstore.Cases{Store: p.cards}
		messages = messagestore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
		places   = placestore.New(p.db)
		stock    = cardstore.Stock{Store: p.cards}
		photos   = photostore.Photos{DB: p.db, Vault: p.vault, Clock: p.clock}
		batches  = batchstore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
		workers  = staffstore.Store{DB: p.db, Vault: p.vault, Clock: p.clock, Hasher: people.Hasher, Limiter: limiter}
	)
	return api.Router(api.Rooms{
		Kit: kit, Metrics: p.metrics.HTTP,
		Home:   public.Home{Kit: kit, Contacts: contacts(cfg.Contacts.List), Promise: p.regular.Terms.Promise, Faces: p.designs.titles()},
		Status: public.Status{Kit: kit, Cases: cases, Limits: limiter, Terms: p.terms},
		Verify: public.Verify{
			Kit: kit, Keys: p.keys, Cards: cards, PerMinute: public.DefaultVerifyPerMinute,
			List:    credential.NewStatusPublisher(p.keys, cards, cfg.HTTP.Public.URL().JoinPath(public.StatusListPath).String()),
			OldList: credential.NewPublisher(p.keys, cards),
		},
		Outbox:  public.Outbox{Kit: kit, Outbox: messagestore.Outbox{Store: messages}},
		Logins:  public.DemoLogins{Kit: kit, Staff: workers, Password: demoPassword, People: demoAccounts()},
		Account: applicant.Account{Kit: kit, People: personstore.People{Store: people}, Codes: codes, Cases: cases, Processes: p.client},
		Applicant: applicant.Deps{
			Kit: kit, BaseURL: cfg.HTTP.Public.URL(), Terms: p.terms, Faces: p.designs.faces,
			People: personstore.People{Store: people}, Consents: personstore.Consents{Store: people}, Codes: codes, Places: places,
			Drafts: cardstore.Drafts{Store: p.cards}, Submissions: cardstore.Submissions{Store: p.cards, Regular: p.calendars.newest(p.regular)}, Cases: cases,
			Starter: starter, Processes: p.client, Watch: watch,
			Designs: p.designs, Photos: photos, Limits: limiter, Vault: p.vault, Calendar: p.regular.Calendar, RegularTerms: p.regular.Terms,
		},
		Staff: staff.Room{Kit: kit, Staff: workers},
		Branch: branch.Deps{
			Kit: kit, Process: p.client.Production(), Counter: cardstore.Counter{Store: p.cards}, Stock: stock, Places: places,
			Batches: batchstore.Reads{Store: batches}, Photos: photos, Keyring: p.keys, Limiter: limiter, Terms: p.terms,
		},
		Review: review.Deps{Kit: kit, Process: p.client.Review(), Reviews: photostore.Reviews{Photos: photos}},
		Factory: factory.Deps{
			Kit: kit, Process: p.client.Production(), Reads: batchstore.Reads{Store: batches}, Files: batchstore.Downloads{Store: batches},
		},
		Admin: admin.Deps{
			Kit: kit, Process: p.client, DB: p.db, Reads: adminstore.Store{DB: p.db}, Messages: messages,
			Reports: checkstore.Reports{DB: p.db}, Accounts: staffstore.Accounts{Store: workers}, Logins: staffstore.Logins{Store: workers}, Missing: render.Missing,
			Batches: batchstore.Reads{Store: batches}, Press: p.client.Production(), Years: p.years, Promises: p.promises(), Pickups: pickupsOf(p),
		},
	}), nil
}

// bounds are those of this machine's cores, with the places that the settings give.
func bounds(c config.Admission) map[web.Load]web.Bound {
	all := web.DefaultBounds(runtime.GOMAXPROCS(0))
	for load, places := range map[web.Load]int{
		web.Pages: c.Pages, web.Logins: c.Logins, web.Submissions: c.Submissions, web.Decisions: c.Decisions, web.Uploads: c.Uploads,
	} {
		if b := all[load]; places > 0 {
			b.Places = places
			all[load] = b
		}
	}
	return all
}

// contacts reads the setting; without one, the parties of the notice stand there without numbers.
func contacts(lines []string) []public.Contact {
	var list []public.Contact
	for _, line := range lines {
		if part := strings.Split(line, "|"); len(part) == 4 {
			list = append(list, public.Contact{Party: part[0], Subject: part[1], Person: part[2], Phone: part[3]})
		}
	}
	if len(list) == 0 {
		return public.DemoContacts()
	}
	return list
}

// people is the store of accounts.
func (p *parts) people() (personstore.Store, error) {
	hasher, err := passwd.New(passwd.Standard())
	if err != nil {
		return personstore.Store{}, err
	}
	return personstore.Store{
		DB: p.db, Vault: p.vault, Clock: p.clock, Hasher: hasher,
		Limiter: codestore.Limiter{DB: p.db, Vault: p.vault, Clock: p.clock},
	}, nil
}
