-- Roles, the audit chain, people, staff, sessions, codes, limits, messages, keys.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    -- Three duties, three roles: migrations own, the program works, the auditor reads.
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'volcard_app') THEN
        CREATE ROLE volcard_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'volcard_audit') THEN
        CREATE ROLE volcard_audit NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server migrates at the same moment
END
$$;
-- +goose StatementEnd

-- Every change of state leaves one row here, in the same transaction. Rows of one subject
-- form a chain: each holds the hash of the one before it. The subject's row lock orders them.
CREATE TABLE audit_entry (
    subject_kind text        NOT NULL,
    subject_id   uuid        NOT NULL,
    seq          integer     NOT NULL,
    at           timestamptz NOT NULL,
    actor_kind   text        NOT NULL CHECK (actor_kind IN ('person', 'staff', 'process', 'operator')),
    actor_id     text        NOT NULL,
    action       text        NOT NULL,
    from_state   text,
    to_state     text,
    detail       jsonb       NOT NULL DEFAULT '{}',
    prev_hash    bytea       NOT NULL,
    hash         bytea       NOT NULL,
    PRIMARY KEY (subject_id, seq)
);

-- +goose StatementBegin
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    SELECT seq, hash INTO last FROM audit_entry
     WHERE subject_id = NEW.subject_id ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(last.seq, 0) + 1;
    NEW.prev_hash := coalesce(last.hash, '\x'::bytea);
    NEW.hash := sha256(NEW.prev_hash || convert_to(concat_ws('|',
        NEW.subject_kind, NEW.subject_id, NEW.seq,
        (extract(epoch FROM NEW.at) * 1000000)::bigint,
        NEW.actor_kind, NEW.actor_id, NEW.action,
        coalesce(NEW.from_state, ''), coalesce(NEW.to_state, ''), NEW.detail::text), 'UTF8'));
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_chain();

-- ---------------------------------------------------------------- people

CREATE TABLE person (
    id             uuid PRIMARY KEY,
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 50),
    id_number      bytea       NOT NULL,          -- sealed
    id_index       bytea       NOT NULL UNIQUE,   -- keyed blind index of the ID number
    phone          bytea       NOT NULL,          -- sealed
    phone_index    bytea       NOT NULL,          -- keyed blind index; not unique, numbers are recycled
    division_code  text        NOT NULL CHECK (division_code ~ '^[0-9]{6}$'),
    address        bytea       NOT NULL,          -- sealed
    volunteer_no   text        NOT NULL UNIQUE CHECK (volunteer_no ~ '^[0-9A-Z]{6,20}$'),
    password_hash  text        NOT NULL,
    guardian       bytea,                         -- sealed: name, relation and phone; 14 to 17 only
    blocked_at     timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX person_phone ON person (phone_index);

-- One row for each consent that was given; withdrawing closes it, giving it again opens another.
CREATE TABLE consent (
    id           uuid PRIMARY KEY,
    person_id    uuid        NOT NULL REFERENCES person,
    purpose      text        NOT NULL,
    recipient    text        NOT NULL,
    version      text        NOT NULL,
    given_at     timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX consent_open ON consent (person_id, purpose, version) WHERE withdrawn_at IS NULL;

-- ---------------------------------------------------------------- staff

CREATE TABLE staff (
    id             uuid PRIMARY KEY,
    login          text        NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._-]{2,31}$'),
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 50),
    role           text        NOT NULL CHECK (role IN ('clerk', 'province_admin')),
    branch_id      uuid,
    password_hash  text        NOT NULL,
    totp_secret    bytea       NOT NULL,          -- sealed
    totp_last_step bigint      NOT NULL DEFAULT 0, -- a code works once
    must_change    boolean     NOT NULL DEFAULT true,
    disabled_at    timestamptz,
    created_at     timestamptz NOT NULL,
    CHECK ((role = 'clerk') = (branch_id IS NOT NULL))
);

-- The first administrator of an installation is made with a token that an operator prints once.
CREATE TABLE admin_token (
    token_hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

-- ---------------------------------------------------------------- sessions, codes, limits

CREATE TABLE session (
    token      text PRIMARY KEY, -- hashed by the session library
    data       bytea       NOT NULL,
    expires_at timestamptz NOT NULL,
    owner_id   uuid,             -- person or staff, so that all their sessions can be ended
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX session_owner ON session (owner_id) WHERE owner_id IS NOT NULL;

CREATE TABLE sms_code (
    id            uuid PRIMARY KEY,
    purpose       text        NOT NULL,
    phone_index   bytea       NOT NULL,
    session_hash  bytea       NOT NULL,
    code_hash     bytea       NOT NULL,
    wrong_tries   integer     NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX sms_code_lookup ON sms_code (phone_index, purpose, created_at DESC);
CREATE INDEX sms_code_expiry ON sms_code (expires_at);

-- One row for each counted attempt: a sliding window is a count over (kind, key, at).
CREATE TABLE attempt (
    kind text        NOT NULL,
    key  bytea       NOT NULL, -- keyed hash of a normalised phone, address, account or session
    at   timestamptz NOT NULL
);
CREATE INDEX attempt_window ON attempt (kind, key, at DESC);
CREATE INDEX attempt_age ON attempt (at);

-- ---------------------------------------------------------------- messages

-- Written in the transaction of the event they tell of; sent by the worker, once.
CREATE TABLE message (
    id           uuid PRIMARY KEY,
    dedupe_key   text        NOT NULL UNIQUE, -- case, event, recipient
    person_id    uuid        REFERENCES person,
    template     text        NOT NULL,
    phone        bytea       NOT NULL,        -- sealed
    params       bytea       NOT NULL,        -- sealed JSON object
    state        text        NOT NULL DEFAULT 'pending'
                 CHECK (state IN ('pending', 'sending', 'sent', 'unknown', 'failed')),
    attempts     integer     NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    sent_at      timestamptz,
    receipt      text        NOT NULL DEFAULT '',
    last_error   text        NOT NULL DEFAULT ''
);
CREATE INDEX message_due ON message (due_at) WHERE state IN ('pending', 'sending', 'unknown');
-- What was given up: somebody has to look at it.
CREATE INDEX message_failed ON message (created_at DESC) WHERE state = 'failed';

-- What the default gateway "sent": the demo's phone. Empty where a real gateway is configured.
CREATE TABLE outbox_page (
    id      uuid PRIMARY KEY,
    phone   bytea       NOT NULL, -- sealed
    body    bytea       NOT NULL, -- sealed
    sent_at timestamptz NOT NULL
);
CREATE INDEX outbox_page_time ON outbox_page (sent_at DESC);

-- ---------------------------------------------------------------- keys that sign cards

CREATE TABLE signing_key (
    kid         text PRIMARY KEY CHECK (kid ~ '^[0-9A-Z]{4,16}$'),
    public_key  bytea       NOT NULL CHECK (length(public_key) = 32),
    private_key bytea,                       -- sealed; emptied when the key retires
    created_at  timestamptz NOT NULL,
    retired_at  timestamptz,
    last_expiry timestamptz                  -- the latest expiry signed with it; published until then
);
CREATE UNIQUE INDEX signing_key_active ON signing_key ((true)) WHERE retired_at IS NULL;

-- +goose StatementBegin
DO $$
DECLARE
    here text := current_schema();
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO volcard_app, volcard_audit', here);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO volcard_audit', here);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO volcard_audit', here);
END
$$;
-- +goose StatementEnd
GRANT SELECT ON goose_db_version TO volcard_app;
GRANT SELECT, INSERT ON audit_entry TO volcard_app;
GRANT SELECT, INSERT, UPDATE ON person, consent, staff, admin_token, message, signing_key TO volcard_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, sms_code, attempt, outbox_page TO volcard_app;

-- +goose Down
DROP TABLE signing_key, outbox_page, message, attempt, sms_code, session, admin_token, staff, consent, person, audit_entry;
DROP FUNCTION audit_chain();
