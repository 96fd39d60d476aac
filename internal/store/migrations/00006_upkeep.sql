-- Codes before notices, notices that wait for the morning, photos that end with their case.
-- Each statement commits by itself, so that no index is built under a lock; each may run a second time.

-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE message
    ADD COLUMN IF NOT EXISTS urgent boolean NOT NULL DEFAULT false, -- somebody waits for it at a form: a code
    ADD COLUMN IF NOT EXISTS held_until timestamptz;                -- a notice that came at night: the morning
DROP INDEX CONCURRENTLY IF EXISTS message_urgent;
CREATE INDEX CONCURRENTLY message_urgent ON message (due_at, id) WHERE urgent AND state = 'pending';

-- A photo that is deleted is looked for in application. With its owner in the key, the index on
-- (person_id, idempotency_key) finds it; an index on photo_id would be written by every move of a case.
ALTER TABLE application DROP CONSTRAINT IF EXISTS application_photo;
DROP INDEX CONCURRENTLY IF EXISTS photo_owner;
CREATE UNIQUE INDEX CONCURRENTLY photo_owner ON photo (person_id, id);
ALTER TABLE application ADD CONSTRAINT application_photo FOREIGN KEY (person_id, photo_id) REFERENCES photo (person_id, id) NOT VALID;
ALTER TABLE application VALIDATE CONSTRAINT application_photo;
ALTER TABLE application DROP CONSTRAINT IF EXISTS application_photo_id_fkey;

-- A case that ended without a card lets its photo go after a while.
ALTER TABLE application DROP CONSTRAINT IF EXISTS application_regular,
    ADD CONSTRAINT application_regular CHECK (
        (edition = 'regular') = (
            face IS NOT NULL AND design_hash IS NOT NULL AND promise_start IS NOT NULL
            AND promised_from IS NOT NULL AND promised_until IS NOT NULL AND promise_provisional IS NOT NULL AND promise_due IS NOT NULL)
        AND CASE WHEN edition = 'general' THEN photo_id IS NULL
                 ELSE photo_id IS NOT NULL OR state IN ('withdrawn', 'refused') END) NOT VALID;
ALTER TABLE application VALIDATE CONSTRAINT application_regular;

-- +goose Down
-- NOT VALID: rows whose photo is gone stay as they are.
ALTER TABLE application DROP CONSTRAINT IF EXISTS application_regular,
    ADD CONSTRAINT application_regular CHECK ((edition = 'regular') = (
        photo_id IS NOT NULL AND face IS NOT NULL AND design_hash IS NOT NULL AND promise_start IS NOT NULL
        AND promised_from IS NOT NULL AND promised_until IS NOT NULL AND promise_provisional IS NOT NULL AND promise_due IS NOT NULL)) NOT VALID;
ALTER TABLE application DROP CONSTRAINT IF EXISTS application_photo_id_fkey,
    ADD CONSTRAINT application_photo_id_fkey FOREIGN KEY (photo_id) REFERENCES photo NOT VALID;
ALTER TABLE application VALIDATE CONSTRAINT application_photo_id_fkey;
ALTER TABLE application DROP CONSTRAINT IF EXISTS application_photo;
DROP INDEX CONCURRENTLY IF EXISTS photo_owner;
DROP INDEX CONCURRENTLY IF EXISTS message_urgent;
ALTER TABLE message DROP COLUMN IF EXISTS urgent, DROP COLUMN IF EXISTS held_until;
