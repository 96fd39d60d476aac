-- What a refused form answered, and what was typed into a form whose session had ended: kept for half an hour, so
-- that Back, Reload and a new login show it. Nothing here is worth a write-ahead log or a place in a backup.

-- +goose Up
CREATE UNLOGGED TABLE kept_form (
    id         text PRIMARY KEY,     -- random; stands in the address of the page
    browser    bytea       NOT NULL, -- hash of the browser's cookie
    data       bytea       NOT NULL, -- sealed
    expires_at timestamptz NOT NULL
);
CREATE INDEX kept_form_browser ON kept_form (browser, expires_at);
CREATE INDEX kept_form_expiry ON kept_form (expires_at);
REVOKE ALL ON kept_form FROM volcard_audit;
GRANT SELECT, INSERT, DELETE ON kept_form TO volcard_app;

-- +goose Down
DROP TABLE kept_form;
