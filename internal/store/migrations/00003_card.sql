-- The application, the card, the stock of general cards, the hand-over.

-- +goose Up
CREATE TABLE application_draft (
    person_id  uuid PRIMARY KEY REFERENCES person,
    version    integer     NOT NULL,  -- a second tab that saves over a newer draft is told so
    data       bytea       NOT NULL,  -- sealed JSON: it holds a phone and an address
    updated_at timestamptz NOT NULL
);

CREATE TABLE application (
    id              uuid PRIMARY KEY,
    number          text        NOT NULL UNIQUE,
    person_id       uuid        NOT NULL REFERENCES person,
    edition         text        NOT NULL CHECK (edition IN ('general', 'regular')),
    state           text        NOT NULL CHECK (state IN
                    ('accepted', 'held', 'ready', 'lapsed', 'collected', 'closed', 'withdrawn', 'refused')),
    identity        text        NOT NULL CHECK (identity IN ('student', 'worker', 'social')),
    holder_name     text        NOT NULL CHECK (char_length(holder_name) BETWEEN 1 AND 50),
    university_code text        REFERENCES university (code),
    unit_name       text        NOT NULL CHECK (char_length(unit_name) BETWEEN 2 AND 60),
    division_code   text        NOT NULL CHECK (division_code ~ '^[0-9]{6}$'),
    address         bytea       NOT NULL,   -- sealed
    phone           bytea       NOT NULL,   -- sealed; verified for this application
    branch_id       uuid        NOT NULL REFERENCES branch,
    content_hash    bytea       NOT NULL CHECK (length(content_hash) = 32), -- of what the preview showed
    idempotency_key uuid        NOT NULL,
    pickup_code     text        NOT NULL CHECK (pickup_code ~ '^[0-9]{8}$'),
    submitted_at    timestamptz NOT NULL,
    ready_at        timestamptz,            -- when the plastic card was ready at the present branch
    pickup_until    timestamptz,
    closed_at       timestamptz,
    closed_reason   text        NOT NULL DEFAULT '',
    CHECK ((identity = 'student') = (university_code IS NOT NULL)),
    CHECK ((closed_at IS NOT NULL) = (state IN ('collected', 'closed', 'withdrawn', 'refused'))),
    CHECK (state <> 'ready' OR pickup_until IS NOT NULL)
);
-- One live application a person. A workflow ID cannot promise this: the engine forgets closed runs.
CREATE UNIQUE INDEX application_live ON application (person_id)
    WHERE state IN ('accepted', 'held', 'ready', 'lapsed');
CREATE UNIQUE INDEX application_idempotency ON application (person_id, idempotency_key);
CREATE INDEX application_person ON application (person_id, submitted_at DESC);
-- The sweeper's list: whatever is still accepted was never orchestrated, or is so right now.
CREATE INDEX application_accepted ON application (submitted_at) WHERE state = 'accepted';
CREATE INDEX application_held ON application (submitted_at) WHERE state = 'held';
-- Collected ones too: a second hand-over is refused with who, when and where.
CREATE INDEX application_counter ON application (branch_id, pickup_code);
CREATE INDEX application_counter_name ON application (branch_id, holder_name) WHERE state = 'ready';
CREATE INDEX application_branch_due ON application (branch_id, pickup_until) WHERE state = 'ready';
-- The nightly comparison walks the live ones in order of id.
CREATE INDEX application_open ON application (id) WHERE closed_at IS NULL;
-- The administrator's counts by state.
CREATE INDEX application_state ON application (state);

CREATE SEQUENCE card_number_seq MAXVALUE 99999999 NO CYCLE;

CREATE TABLE card (
    id             uuid PRIMARY KEY,
    number         text        NOT NULL UNIQUE CHECK (number ~ '^42[0-9]{12}$'),
    application_id uuid        NOT NULL UNIQUE REFERENCES application,
    person_id      uuid        NOT NULL REFERENCES person,
    edition        text        NOT NULL CHECK (edition IN ('general', 'regular')),
    holder_name    text        NOT NULL,
    volunteer_no   text        NOT NULL,
    status         text        NOT NULL CHECK (status IN ('valid', 'suspended', 'replaced', 'cancelled')),
    content_hash   bytea       NOT NULL,
    token          text        NOT NULL,   -- the signed text of the QR, compared with this row before it was published
    kid            text        NOT NULL REFERENCES signing_key,
    issued_at      timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    status_at      timestamptz NOT NULL
);
-- One valid card a person.
CREATE UNIQUE INDEX card_valid ON card (person_id) WHERE status IN ('valid', 'suspended');
-- What the revocation list publishes.
CREATE INDEX card_revoked ON card (status_at) WHERE status <> 'valid';

-- Every general card of plastic is a row: scarce things are rows. A reservation takes any free row
-- of the branch with SKIP LOCKED, so no counter is shared.
CREATE TABLE stock_card (
    serial         text PRIMARY KEY CHECK (serial ~ '^[0-9A-Z]{6,20}$'),
    branch_id      uuid        NOT NULL REFERENCES branch,
    state          text        NOT NULL CHECK (state IN ('in_stock', 'reserved', 'handed_over', 'spoiled')),
    application_id uuid        REFERENCES application,
    CHECK ((state IN ('reserved', 'handed_over')) = (application_id IS NOT NULL))
);
CREATE INDEX stock_card_free ON stock_card (branch_id, serial) WHERE state = 'in_stock';
-- What lies at a branch, counted by state.
CREATE INDEX stock_card_branch ON stock_card (branch_id, state);
-- At most one plastic card is bound to an application.
CREATE UNIQUE INDEX stock_card_application ON stock_card (application_id) WHERE application_id IS NOT NULL;

-- The ledger: append only. Its sums are the stock; the auditor compares them with the rows above.
CREATE TABLE stock_entry (
    id             uuid PRIMARY KEY,
    branch_id      uuid        NOT NULL REFERENCES branch,
    kind           text        NOT NULL CHECK (kind IN
                   ('receive', 'reserve', 'release', 'hand_over', 'undo', 'spoil')),
    on_hand        integer     NOT NULL,  -- change of what lies at the branch
    reserved       integer     NOT NULL,  -- change of what is promised
    serial_from    text        NOT NULL DEFAULT '',
    serial_to      text        NOT NULL DEFAULT '',
    application_id uuid        REFERENCES application,
    staff_id       uuid        REFERENCES staff,
    note           text        NOT NULL DEFAULT '',
    at             timestamptz NOT NULL
);
CREATE INDEX stock_entry_branch ON stock_entry (branch_id, at DESC);
CREATE INDEX stock_entry_application ON stock_entry (application_id) WHERE application_id IS NOT NULL;

CREATE TABLE hand_over (
    id             uuid PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES application,
    branch_id      uuid        NOT NULL REFERENCES branch,
    staff_id       uuid        NOT NULL REFERENCES staff,
    serial         text        NOT NULL REFERENCES stock_card,
    collector      text        NOT NULL CHECK (collector IN ('self')),
    at             timestamptz NOT NULL,
    undone_at      timestamptz,
    undone_by      uuid        REFERENCES staff,
    undo_reason    text        NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX hand_over_once ON hand_over (application_id) WHERE undone_at IS NULL;
CREATE UNIQUE INDEX hand_over_serial ON hand_over (serial) WHERE undone_at IS NULL;
CREATE INDEX hand_over_branch ON hand_over (branch_id, at DESC);

-- What the nightly comparison and the auditor found, for the operator's page and the metrics.
CREATE TABLE check_report (
    id       uuid PRIMARY KEY,
    name     text        NOT NULL,
    findings jsonb       NOT NULL,
    count    integer     NOT NULL,
    at       timestamptz NOT NULL
);
CREATE INDEX check_report_recent ON check_report (name, at DESC);

GRANT SELECT, INSERT, UPDATE ON application, card, stock_card, hand_over TO volcard_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON application_draft TO volcard_app;
GRANT SELECT, INSERT ON stock_entry, check_report TO volcard_app;
GRANT USAGE ON SEQUENCE card_number_seq TO volcard_app;

-- +goose Down
DROP TABLE check_report, hand_over, stock_entry, stock_card, card, application, application_draft;
DROP SEQUENCE card_number_seq;
