-- Branches and universities: lists that an administrator replaces by import.

-- +goose Up
CREATE TABLE branch (
    id            uuid PRIMARY KEY,
    code          text        NOT NULL UNIQUE CHECK (code ~ '^[0-9A-Z-]{3,20}$'),
    name          text        NOT NULL,
    address       text        NOT NULL,
    division_code text        NOT NULL CHECK (division_code ~ '^[0-9]{6}$'),
    phone         text        NOT NULL DEFAULT '',
    lng           double precision NOT NULL,  -- GCJ-02
    lat           double precision NOT NULL,
    hours         jsonb       NOT NULL,       -- internal/place.WeekHours
    services      text[]      NOT NULL DEFAULT '{}',
    capacity      integer     NOT NULL CHECK (capacity >= 0), -- hand-overs a day
    demo          boolean     NOT NULL DEFAULT false,
    closed_at     timestamptz,                -- set when an import no longer lists it, or by an administrator
    updated_at    timestamptz NOT NULL
);
CREATE INDEX branch_division ON branch (division_code) WHERE closed_at IS NULL;

ALTER TABLE staff ADD CONSTRAINT staff_branch FOREIGN KEY (branch_id) REFERENCES branch;

CREATE TABLE university (
    code          text PRIMARY KEY CHECK (code ~ '^[0-9A-Z]{3,20}$'),
    name          text        NOT NULL,
    short_names   text[]      NOT NULL DEFAULT '{}',
    former_names  text[]      NOT NULL DEFAULT '{}',
    initials      text        NOT NULL,       -- pinyin initials of name, lower case
    city_code     text        NOT NULL CHECK (city_code ~ '^42[0-9]{4}$'),
    level         text        NOT NULL CHECK (level IN ('本科', '专科')),
    closed_at     timestamptz,
    updated_at    timestamptz NOT NULL
);
-- A name is one's own while the row is open only: an official list brings codes of its own for
-- names that stand here already.
CREATE UNIQUE INDEX university_name ON university (name) WHERE closed_at IS NULL;

-- What an administrator imported: who, when, which file, what it changed.
CREATE TABLE list_import (
    id         uuid PRIMARY KEY,
    list       text        NOT NULL CHECK (list IN ('branch', 'university')),
    staff_id   uuid        REFERENCES staff,
    sha256     bytea       NOT NULL,
    added      integer     NOT NULL,
    changed    integer     NOT NULL,
    closed     integer     NOT NULL,
    at         timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON branch, university TO volcard_app;
GRANT SELECT, INSERT ON list_import TO volcard_app;

-- +goose Down
DROP TABLE list_import, university;
ALTER TABLE staff DROP CONSTRAINT staff_branch;
DROP TABLE branch;
