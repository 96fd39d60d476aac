-- The working days that an administrator imports.

-- +goose Up
-- A year as the State Council announced it. An import adds a version and the highest is in force; a year
-- without a row is as the program has it (internal/calendar).
CREATE TABLE calendar_year (
    id       uuid        NOT NULL UNIQUE,
    year     integer     NOT NULL CHECK (year BETWEEN 2014 AND 2099),
    version  integer     NOT NULL CHECK (version > 0),
    notice   text        NOT NULL,
    sha256   bytea       NOT NULL CHECK (length(sha256) = 32), -- of the file
    off      date[]      NOT NULL,
    make_up  date[]      NOT NULL,
    staff_id uuid        REFERENCES staff,
    at       timestamptz NOT NULL,
    PRIMARY KEY (year, version)
);
CREATE INDEX calendar_year_recent ON calendar_year (at DESC, id DESC);

GRANT SELECT, INSERT ON calendar_year TO volcard_app;

-- +goose Down
DROP TABLE calendar_year;
