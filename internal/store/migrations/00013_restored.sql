-- What a restored database must not do: issue a number again. The database that was confirmed is named here, and
-- another one issues nothing; the numbers that were lost are ranges that nobody accepts.
-- Each statement commits by itself; each may run a second time.

-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE IF NOT EXISTS database_identity (
    singleton         boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    system_identifier bigint      NOT NULL, -- of the server: pg_control_system
    database_oid      bigint      NOT NULL,
    confirmed_at      timestamptz NOT NULL,
    confirmed_by      text        NOT NULL
);
-- The database that gets this table is the one in service.
INSERT INTO database_identity (system_identifier, database_oid, confirmed_at, confirmed_by)
SELECT c.system_identifier, d.oid, now(), 'migrate' FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
ON CONFLICT DO NOTHING;
GRANT SELECT ON database_identity TO volcard_app, volcard_audit;

-- Sequences of card numbers that may have been issued by a database that was lost.
CREATE TABLE IF NOT EXISTS revoked_range (
    first bigint PRIMARY KEY,
    last  bigint      NOT NULL CHECK (last >= first),
    at    timestamptz NOT NULL
);
GRANT SELECT ON revoked_range TO volcard_app, volcard_audit;
GRANT SELECT ON SEQUENCE card_number_seq TO volcard_audit;

-- A day in Shanghai on which the database was restored: numbers that hold the day begin anew beyond what was lost.
CREATE TABLE IF NOT EXISTS restored_day (
    day         date PRIMARY KEY,
    restores    integer NOT NULL CHECK (restores > 0),
    batch_floor bigint  NOT NULL CHECK (batch_floor >= 0) -- batches of the day are numbered above it
);
GRANT SELECT ON restored_day TO volcard_app, volcard_audit;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION database_confirmed() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM database_identity i, pg_control_system() c, pg_database d
         WHERE d.datname = current_database() AND i.system_identifier = c.system_identifier AND i.database_oid = d.oid::bigint)
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION card_number_revoked(number text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT length(number) = 14 AND EXISTS (SELECT 1 FROM revoked_range WHERE substr(number, 5, 8)::bigint BETWEEN first AND last)
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION require_confirmed_database() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT database_confirmed() THEN
        RAISE EXCEPTION 'this database was restored or copied and is not confirmed: volcard admin restored' USING ERRCODE = 'VC001';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- Whatever draws a number, in an older program too.
CREATE OR REPLACE TRIGGER card_confirmed BEFORE INSERT ON card FOR EACH STATEMENT EXECUTE FUNCTION require_confirmed_database();
CREATE OR REPLACE TRIGGER batch_confirmed BEFORE INSERT ON batch FOR EACH STATEMENT EXECUTE FUNCTION require_confirmed_database();
CREATE OR REPLACE TRIGGER application_confirmed BEFORE INSERT ON application FOR EACH STATEMENT EXECUTE FUNCTION require_confirmed_database();
CREATE OR REPLACE TRIGGER person_confirmed BEFORE INSERT ON person FOR EACH STATEMENT EXECUTE FUNCTION require_confirmed_database();

-- +goose Down
DROP TRIGGER IF EXISTS card_confirmed ON card;
DROP TRIGGER IF EXISTS batch_confirmed ON batch;
DROP TRIGGER IF EXISTS application_confirmed ON application;
DROP TRIGGER IF EXISTS person_confirmed ON person;
DROP FUNCTION IF EXISTS require_confirmed_database();
DROP FUNCTION IF EXISTS card_number_revoked(text);
DROP FUNCTION IF EXISTS database_confirmed();
DROP TABLE IF EXISTS restored_day, revoked_range, database_identity;
REVOKE SELECT ON SEQUENCE card_number_seq FROM volcard_audit;
