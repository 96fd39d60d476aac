-- The approval of a photo can be taken back until decided_until, and takes effect after it.
-- Each statement commits by itself, so that no index is built under a lock; each may run a second time.

-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE application ADD COLUMN IF NOT EXISTS decided_until timestamptz; -- reviewer_id approved photo_id
GRANT SELECT (decided_until) ON application TO volcard_audit;
-- What a reviewer can take back, what the sweeper and the auditor find late. Few rows at any time.
DROP INDEX CONCURRENTLY IF EXISTS application_decided;
CREATE INDEX CONCURRENTLY application_decided ON application (decided_until) WHERE decided_until IS NOT NULL;
-- The case that a reviewer has open.
DROP INDEX CONCURRENTLY IF EXISTS application_reviewer;
CREATE INDEX CONCURRENTLY application_reviewer ON application (reviewer_id) WHERE reviewer_id IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS application_reviewer;
DROP INDEX CONCURRENTLY IF EXISTS application_decided;
ALTER TABLE application DROP COLUMN IF EXISTS decided_until;
