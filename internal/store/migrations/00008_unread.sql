-- What every registration and every case wrote and nobody read.

-- +goose NO TRANSACTION

-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS person_phone;
ALTER TABLE application DROP COLUMN IF EXISTS closed_reason;

-- +goose Down
ALTER TABLE application ADD COLUMN IF NOT EXISTS closed_reason text NOT NULL DEFAULT '';
CREATE INDEX CONCURRENTLY IF NOT EXISTS person_phone ON person (phone_index);
