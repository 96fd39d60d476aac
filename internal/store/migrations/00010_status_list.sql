-- The status list: what changes it is counted in the transaction of the change, by a trigger, so that an
-- older program that still runs is counted too.
-- Each statement commits by itself, so that no index is built under a lock; each may run a second time.

-- +goose NO TRANSACTION

-- +goose Up
-- The sum says whether any status has changed. A few rows, by the connection, so that two transactions
-- seldom wait for each other. Issuing a card writes none of them.
CREATE TABLE IF NOT EXISTS card_status_change (
    shard   integer PRIMARY KEY,
    changes bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO card_status_change (shard) SELECT generate_series(0, 15) ON CONFLICT DO NOTHING;
GRANT SELECT, UPDATE ON card_status_change TO volcard_app;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION count_card_status_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Once a transaction: a second update of the row would walk over the versions of the first.
    IF current_setting('volcard.status_counted', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        PERFORM set_config('volcard.status_counted', pg_current_xact_id()::text, true);
        UPDATE card_status_change SET changes = changes + 1 WHERE shard = pg_backend_pid() % 16;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE OR REPLACE TRIGGER card_status_changed AFTER UPDATE OF status ON card
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION count_card_status_change();
CREATE OR REPLACE TRIGGER card_status_added AFTER INSERT ON card
    FOR EACH ROW WHEN (NEW.status <> 'valid') EXECUTE FUNCTION count_card_status_change();

-- What the list reads, without a look at the cards themselves.
DROP INDEX CONCURRENTLY IF EXISTS card_status_list;
CREATE INDEX CONCURRENTLY card_status_list ON card (number, status) WHERE status <> 'valid';
DROP INDEX CONCURRENTLY IF EXISTS card_revoked;
-- How far the list reaches.
GRANT SELECT ON SEQUENCE card_number_seq TO volcard_app;

-- +goose Down
CREATE INDEX CONCURRENTLY IF NOT EXISTS card_revoked ON card (status_at) WHERE status <> 'valid';
DROP INDEX CONCURRENTLY IF EXISTS card_status_list;
DROP TRIGGER IF EXISTS card_status_changed ON card;
DROP TRIGGER IF EXISTS card_status_added ON card;
DROP FUNCTION IF EXISTS count_card_status_change();
DROP TABLE IF EXISTS card_status_change;
REVOKE SELECT ON SEQUENCE card_number_seq FROM volcard_app;
