// Package config reads every process's settings from the environment: one documented struct
// per process, made of shared parts. A process that would start with a wrong, missing or
// misspelt setting refuses to start and names all faults at once. docs/config.md is generated
// from these structs; a test compares them.
//
// PORT and VOLCARD_DATA keep the names that people expect; all other variables start with
// VOLCARD_. Any variable that holds a secret can be given as NAME_FILE with the path of a file.
package config

import (
	"net/netip"
	"net/url"
	"time"

	"volcard/internal/limit"
)

// API is what `volcard api` reads: the pages and the JSON rooms.
type API struct {
	_ struct{} `doc:"the pages and the JSON interface; runs two or more at once behind a proxy"`

	HTTP     HTTP
	Limits   Limits
	Load     Admission
	Database Database
	Temporal Temporal
	Vault    Vault
	Cards    Cards
	Contacts Contacts
	Demo     Demo
	Metrics  Metrics
	Log      Log
}

// Worker is what `volcard worker` reads: workflows, activities, the message dispatcher, the sweeper.
type Worker struct {
	_ struct{} `doc:"runs the processes, sends the messages, sweeps; runs two or more at once"`

	Database Database
	Temporal Temporal
	Vault    Vault
	Cards    Cards
	SMS      SMS
	Public   Public
	Reader   AuditDatabase
	Sweep    Sweep
	Demo     Demo
	Metrics  Metrics
	Log      Log
}

// Migrate is what `volcard migrate` reads. It alone knows the owner's URL.
type Migrate struct {
	_ struct{} `doc:"brings the schema to the newest version, then ends"`

	Owner OwnerDatabase
	Log   Log
}

// Audit is what `volcard audit` reads. Its database role can only read.
type Audit struct {
	_ struct{} `doc:"checks what was stored and issued, with its own SQL; read-only"`

	Reader AuditDatabase
	Cards  Cards
	Demo   Demo
	Log    Log
}

// Admin is what `volcard admin …` reads.
type Admin struct {
	_ struct{} `doc:"an operator's commands: first administrator, imports, key rotation, recheck"`

	Database Database
	Temporal Temporal
	Vault    Vault
	Cards    Cards
	Public   Public
	Log      Log
}

// Dev is what `volcard dev` reads itself. It makes all other settings of the processes that it
// starts, and passes on those that are already set.
type Dev struct {
	_ struct{} `doc:"everything on one machine, with demo data: what make run starts"`

	Port  int    `env:"PORT" envDefault:"8080" doc:"port of the pages"`
	Data  string `env:"VOLCARD_DATA" envDefault:".data" doc:"folder of the database and the secrets of this demo; deleting it starts afresh"`
	Cards Cards
	Log   Log
}

// HTTP is the web server and what stands before it.
type HTTP struct {
	_ struct{} `doc:"Web server"`

	Public            Public
	Host              string         `env:"VOLCARD_HTTP_HOST" envDefault:"127.0.0.1" doc:"address to listen on; 0.0.0.0 in a container"`
	Port              int            `env:"PORT" envDefault:"8080" doc:"port of the pages"`
	TrustedProxies    []netip.Prefix `env:"VOLCARD_HTTP_TRUSTED_PROXIES" doc:"networks of the proxies whose X-Forwarded-For is believed, as in 10.0.0.0/8; empty: none, the peer's address counts"`
	ReadHeaderTimeout time.Duration  `env:"VOLCARD_HTTP_READ_HEADER_TIMEOUT" envDefault:"5s" doc:"longest wait for the head of a request"`
	ReadTimeout       time.Duration  `env:"VOLCARD_HTTP_READ_TIMEOUT" envDefault:"20s" doc:"longest wait for a whole request"`
	WriteTimeout      time.Duration  `env:"VOLCARD_HTTP_WRITE_TIMEOUT" envDefault:"30s" doc:"longest time for an answer"`
	IdleTimeout       time.Duration  `env:"VOLCARD_HTTP_IDLE_TIMEOUT" envDefault:"2m" doc:"how long an idle connection is kept"`
	MaxHeaderBytes    int            `env:"VOLCARD_HTTP_MAX_HEADER_BYTES" envDefault:"32768" doc:"largest head of a request"`
	MaxBodyBytes      int64          `env:"VOLCARD_HTTP_MAX_BODY_BYTES" envDefault:"131072" doc:"largest form; a form of ours has under 8 KB"`
	ShutdownGrace     time.Duration  `env:"VOLCARD_HTTP_SHUTDOWN_GRACE" envDefault:"15s" doc:"how long running requests may go on after a stop was asked for"`
}

// Limits are those that depend on where people sit; the others are rules (internal/limit).
type Limits struct {
	_ struct{} `doc:"Limits"`

	CodesPerNetwork []limit.Window `env:"VOLCARD_CODES_PER_NETWORK" envDefault:"60/1m,600/1h,2000/24h" doc:"SMS codes that everybody behind one address may ask for in all; a lecture hall that registers at once stands behind one"`
}

// Admission is how much one api takes on at once. What is beyond it waits for less than a second, and is then
// answered with 503 and a page that says when to come back.
type Admission struct {
	_ struct{} `doc:"Load of an api"`

	Pages       int           `env:"VOLCARD_LOAD_PAGES" envDefault:"0" doc:"most pages worked on at once; 0: 16 for each core"`
	Logins      int           `env:"VOLCARD_LOAD_LOGINS" envDefault:"0" doc:"most requests at once that hash a password, of which half of the cores hash; 0: 2 for each core"`
	Submissions int           `env:"VOLCARD_LOAD_SUBMISSIONS" envDefault:"0" doc:"most applications accepted at once; 0: 32 for each core"`
	Decisions   int           `env:"VOLCARD_LOAD_DECISIONS" envDefault:"0" doc:"most hand-overs, withdrawals and other decisions at once, which wait for Temporal; 0: 32 for each core"`
	Uploads     int           `env:"VOLCARD_LOAD_UPLOADS" envDefault:"0" doc:"most files received at once; 0: 32 for each core"`
	Connection  time.Duration `env:"VOLCARD_DATABASE_CONNECTION_TIMEOUT" envDefault:"1s" doc:"longest wait of an api's request for one of its connections"`
	Statement   time.Duration `env:"VOLCARD_DATABASE_STATEMENT_TIMEOUT" envDefault:"5s" doc:"longest statement of an api; imports and other processes have a minute"`
}

// Public is how people reach the system.
type Public struct {
	_ struct{} `doc:"Public address"`

	BaseURL string `env:"VOLCARD_BASE_URL" envDefault:"http://localhost:8080" doc:"address that people type and QR codes hold; https, except on this machine itself"`
}

// Contacts are the people whom the pages name for questions (duties R22 and R69 of the notice).
type Contacts struct {
	_ struct{} `doc:"Contacts"`

	List []string `env:"VOLCARD_CONTACTS" envSeparator:";" doc:"who answers questions, as in 招商银行武汉分行|领卡网点和发卡|王老师|027-00000000; empty: the parties of the notice, without numbers"`
}

// Database is the connection that the program works with (role volcard_app).
type Database struct {
	_ struct{} `doc:"Database"`

	URL      Secret `env:"VOLCARD_DATABASE_URL,required" doc:"PostgreSQL URL of the working role, which can change no audit entry and no table; with standbys name all hosts and target_session_attrs=read-write"`
	MaxConns int32  `env:"VOLCARD_DATABASE_MAX_CONNS" envDefault:"10" doc:"most connections of one process"`
}

// OwnerDatabase is the connection that migrations use (role volcard_owner).
type OwnerDatabase struct {
	_ struct{} `doc:"Database, as its owner"`

	URL Secret `env:"VOLCARD_DATABASE_OWNER_URL,required" doc:"PostgreSQL URL of the owner of the schema"`
}

// AuditDatabase is the connection that the auditor uses (role volcard_audit).
type AuditDatabase struct {
	_ struct{} `doc:"Database, as the auditor"`

	URL Secret `env:"VOLCARD_DATABASE_AUDIT_URL,required" doc:"PostgreSQL URL of the auditor's role, which only reads; with standbys target_session_attrs=primary, since no server is read-write to this role"`
}

// Vault holds the keys under which personal data is stored. `volcard admin keys` makes them.
type Vault struct {
	_ struct{} `doc:"Keys of personal data"`

	Keyset   Secret `env:"VOLCARD_VAULT_KEYSET,required" doc:"tink key set in JSON (AES-256-GCM); its primary key seals, all its keys open"`
	IndexKey Secret `env:"VOLCARD_VAULT_INDEX_KEY,required" doc:"32 bytes or more in base64: the key of the blind indexes; it cannot be changed without rebuilding them"`
}

// Cards is how long things take. Each deed of a process tells its workflow the dates that follow
// from these, so a change holds from the next deed on; a date that a person was told stays.
type Cards struct {
	_ struct{} `doc:"Cards"`

	PickupPeriod  time.Duration   `env:"VOLCARD_PICKUP_PERIOD" envDefault:"30d" doc:"how long a card waits at the branch before the reservation goes back to stock"`
	Reminders     []time.Duration `env:"VOLCARD_PICKUP_REMINDERS" envDefault:"7d,23d,28d" doc:"when the applicant is reminded, counted from the day it was ready; those beyond the pickup period are left out"`
	LapsedPeriod  time.Duration   `env:"VOLCARD_LAPSED_PERIOD" envDefault:"180d" doc:"how long a branch can be chosen again after that; then the application closes and the digital card stays"`
	ValidityYears int             `env:"VOLCARD_CARD_VALIDITY_YEARS" envDefault:"5" doc:"years that a card is valid"`
	PromiseFrom   int             `env:"VOLCARD_PROMISE_FROM" envDefault:"10" doc:"working day on which a regular card is at its branch at the earliest"`
	PromiseUntil  int             `env:"VOLCARD_PROMISE_UNTIL" envDefault:"15" doc:"working day on which it is there at the latest; after that it is overdue"`
	MendDays      int             `env:"VOLCARD_MEND_DAYS" envDefault:"15" doc:"working days that an applicant has to mend a refused photo"`
	BatchHour     int             `env:"VOLCARD_BATCH_HOUR" envDefault:"17" doc:"hour of Shanghai at which a working day's batch is frozen"`
	Workday       time.Duration   `env:"VOLCARD_WORKDAY" envDefault:"0s" doc:"demonstration only: how long a working day lasts, as in 5s; 0s: as long as the calendar says"`
	UndoWindow    time.Duration   `env:"VOLCARD_UNDO_WINDOW" envDefault:"10m" doc:"how long a clerk can take back a hand-over"`
}

// SMS is the gateway that sends the messages.
type SMS struct {
	_ struct{} `doc:"Text messages"`

	Gateway      string            `env:"VOLCARD_SMS_GATEWAY" envDefault:"outbox" doc:"outbox (a page shows the messages; demo only), alibaba or tencent"`
	KeyID        string            `env:"VOLCARD_SMS_KEY_ID" doc:"access key id (Alibaba) or secret id (Tencent)"`
	KeySecret    Secret            `env:"VOLCARD_SMS_KEY_SECRET" doc:"access key secret"`
	SignName     string            `env:"VOLCARD_SMS_SIGN_NAME" doc:"signature that the gateway has approved"`
	Templates    map[string]string `env:"VOLCARD_SMS_TEMPLATES" envKeyValSeparator:"=" doc:"our template names and the gateway's ids, as in code=SMS_1,card_ready=SMS_2"`
	TencentAppID string            `env:"VOLCARD_SMS_TENCENT_APP_ID" doc:"SmsSdkAppId (Tencent)"`
	Region       string            `env:"VOLCARD_SMS_REGION" doc:"region of the gateway; empty: its default"`
	Endpoint     string            `env:"VOLCARD_SMS_ENDPOINT" doc:"URL of the gateway; empty: the official one"`
	Timeout      time.Duration     `env:"VOLCARD_SMS_TIMEOUT" envDefault:"5s" doc:"longest wait for the gateway; after that the outcome is unknown"`
}

// Sweep is how the worker looks after what was left lying.
type Sweep struct {
	_ struct{} `doc:"Sweeper"`

	Every time.Duration `env:"VOLCARD_SWEEP_EVERY" envDefault:"15s" doc:"how often accepted applications without a workflow are looked for"`
	After time.Duration `env:"VOLCARD_SWEEP_AFTER" envDefault:"30s" doc:"how long an application may be accepted before the sweeper starts its workflow"`
	Photo time.Duration `env:"VOLCARD_PHOTO_RETENTION" envDefault:"30d" doc:"how long the portrait of an application is kept that was withdrawn or refused, and one that was uploaded and never used"`
}

// Demo is the switch between a demonstration and the real thing.
type Demo struct {
	_ struct{} `doc:"Demonstration"`

	On bool `env:"VOLCARD_DEMO" envDefault:"false" doc:"fictional data, a page with all messages, and a banner that says so; never with real people"`
}

// Metrics is the second port: metrics, health, profiles. It is not for the public.
type Metrics struct {
	_ struct{} `doc:"Metrics"`

	Addr string `env:"VOLCARD_METRICS_ADDR" envDefault:"127.0.0.1:9090" doc:"host and port of /metrics, /livez and /readyz, and on loopback of /debug/pprof; empty: none"`
}

// Log is what is written to standard error.
type Log struct {
	_ struct{} `doc:"Log"`

	Level  string `env:"VOLCARD_LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error"`
	Format string `env:"VOLCARD_LOG_FORMAT" envDefault:"json" doc:"json, or text for people"`
}

// URL returns the public address. It was checked when the settings were read.
func (p Public) URL() *url.URL {
	u, err := url.Parse(p.BaseURL)
	if err != nil {
		return &url.URL{Scheme: "http", Host: "localhost"}
	}
	return u
}

// RemindersWithin returns the reminders that fall into the pickup period.
func (c Cards) RemindersWithin() []time.Duration {
	var within []time.Duration
	for _, r := range c.Reminders {
		if r < c.PickupPeriod {
			within = append(within, r)
		}
	}
	return within
}
