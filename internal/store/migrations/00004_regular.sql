-- The regular edition: photos, the promise, batches, parcels.

-- +goose Up
ALTER TABLE staff DROP CONSTRAINT staff_role_check,
    ADD CONSTRAINT staff_role_check CHECK (role IN ('clerk', 'province_admin', 'reviewer', 'factory'));

-- A cropped portrait, 295 x 413. The original is never kept. One that no application names is deleted
-- after a while.
CREATE TABLE photo (
    id         uuid PRIMARY KEY,
    person_id  uuid        NOT NULL REFERENCES person,
    image      bytea       NOT NULL,            -- sealed JPEG
    sha256     bytea       NOT NULL CHECK (length(sha256) = 32), -- of the JPEG
    verdict    text        NOT NULL CHECK (verdict IN ('clear', 'doubtful')), -- of the automatic check
    findings   text[]      NOT NULL,            -- internal/photo.Code
    at         timestamptz NOT NULL,
    decision   text        CHECK (decision IN ('approved', 'refused')), -- of a reviewer
    decided_by uuid        REFERENCES staff,
    decided_at timestamptz,
    CHECK ((decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL))
);
-- It is sealed: trying to compress it costs time and gains nothing.
ALTER TABLE photo ALTER COLUMN image SET STORAGE EXTERNAL;
CREATE INDEX photo_person ON photo (person_id, at DESC);
CREATE INDEX photo_age ON photo (at);

ALTER TABLE application DROP CONSTRAINT application_state_check,
    ADD CONSTRAINT application_state_check CHECK (state IN
        ('accepted', 'held', 'reviewing', 'mending', 'waiting', 'producing', 'ready', 'lapsed',
         'collected', 'closed', 'withdrawn', 'refused')),
    ADD COLUMN photo_id            uuid REFERENCES photo,
    ADD COLUMN face                text,
    ADD COLUMN design_hash         bytea CHECK (length(design_hash) = 32), -- of the preview that was confirmed
    ADD COLUMN promise_start       date,        -- the day that does not count
    ADD COLUMN promised_from       date,        -- working day 10
    ADD COLUMN promised_until      date,        -- working day 15
    ADD COLUMN promise_provisional boolean,     -- crosses a year that is not announced
    ADD COLUMN promise_due         timestamptz, -- when the card is overdue
    ADD COLUMN overdue_at          timestamptz, -- when people were told that it is
    ADD COLUMN mend_from           timestamptz, -- since when the applicant has to mend something
    ADD COLUMN mend_until          timestamptz,
    ADD COLUMN reviewer_id         uuid REFERENCES staff, -- who looks at the photo, until review_until
    ADD COLUMN review_until        timestamptz,
    ADD CONSTRAINT application_regular CHECK ((edition = 'regular') = (
        photo_id IS NOT NULL AND face IS NOT NULL AND design_hash IS NOT NULL AND promise_start IS NOT NULL
        AND promised_from IS NOT NULL AND promised_until IS NOT NULL AND promise_provisional IS NOT NULL AND promise_due IS NOT NULL)),
    ADD CONSTRAINT application_mending CHECK (state <> 'mending' OR (mend_from IS NOT NULL AND mend_until IS NOT NULL));

-- Every move of a case writes every index that its row is in. The unique index (person_id,
-- idempotency_key) finds a person's few cases as well, and the counter looks for cases that are at the
-- branch only.
DROP INDEX application_person, application_counter;
CREATE INDEX application_counter ON application (branch_id, pickup_code) WHERE state IN ('ready', 'lapsed', 'collected');

DROP INDEX application_live;
CREATE UNIQUE INDEX application_live ON application (person_id) WHERE state IN
    ('accepted', 'held', 'reviewing', 'mending', 'waiting', 'producing', 'ready', 'lapsed');
-- The two queues, by the day of submission: whoever mends something keeps the place.
CREATE INDEX application_review ON application (submitted_at) WHERE state = 'reviewing';
CREATE INDEX application_waiting ON application (submitted_at, id) WHERE state = 'waiting';
CREATE INDEX application_overdue ON application (promise_due) WHERE overdue_at IS NOT NULL AND closed_at IS NULL;

-- What a factory gets at once. Its cards are fixed when it is made.
CREATE TABLE batch (
    id          uuid PRIMARY KEY,
    number      text        NOT NULL UNIQUE CHECK (number ~ '^PC[0-9]{8,}$'),
    state       text        NOT NULL CHECK (state IN ('frozen', 'rendered', 'printed', 'shipped', 'done')),
    cards       integer     NOT NULL CHECK (cards >= 0), -- those that were taken out are not counted
    frozen_at   timestamptz NOT NULL,
    rendered_at timestamptz,
    printed_at  timestamptz,
    shipped_at  timestamptz,
    done_at     timestamptz
);
CREATE INDEX batch_recent ON batch (frozen_at DESC);

CREATE TABLE batch_card (
    batch_id       uuid    NOT NULL REFERENCES batch,
    application_id uuid    NOT NULL REFERENCES application,
    seq            integer NOT NULL,        -- place in the files, from 1
    -- Copies of what the application's row says when it is frozen. No foreign keys: they would check each of
    -- ten thousand rows against the row that it was copied from in the same statement.
    card_number    text    NOT NULL,
    branch_id      uuid    NOT NULL,
    design_hash    bytea   NOT NULL,        -- what was confirmed
    print_hash     bytea,                   -- of the whole card as it stands in the file
    state          text    NOT NULL CHECK (state IN ('frozen', 'rejected', 'arrived')),
    PRIMARY KEY (batch_id, seq)
);
-- A card is in one open batch at most.
CREATE UNIQUE INDEX batch_card_open ON batch_card (application_id) WHERE state = 'frozen';
CREATE INDEX batch_card_application ON batch_card (application_id);
CREATE INDEX batch_card_branch ON batch_card (batch_id, branch_id);

-- What travels to one branch.
CREATE TABLE parcel (
    id         uuid PRIMARY KEY,
    batch_id   uuid        NOT NULL REFERENCES batch,
    branch_id  uuid        NOT NULL REFERENCES branch,
    cards      integer     NOT NULL CHECK (cards > 0),
    arrived_at timestamptz,
    arrived_by uuid        REFERENCES staff,
    UNIQUE (batch_id, branch_id)
);
CREATE INDEX parcel_under_way ON parcel (branch_id) WHERE arrived_at IS NULL;

-- The factory's files. They hold names and photos, so they are sealed, and deleted when the batch is done.
CREATE TABLE batch_file (
    id       uuid PRIMARY KEY,
    batch_id uuid        NOT NULL REFERENCES batch,
    kind     text        NOT NULL CHECK (kind IN ('print', 'manifest')),
    n        integer     NOT NULL,
    cards    integer     NOT NULL,
    size     integer     NOT NULL,
    sha256   bytea       NOT NULL,
    body     bytea       NOT NULL, -- sealed
    at       timestamptz NOT NULL,
    UNIQUE (batch_id, kind, n)
);
ALTER TABLE batch_file ALTER COLUMN body SET STORAGE EXTERNAL;

-- A general card goes over the counter with its stock serial, a regular one with its own number.
ALTER TABLE hand_over ALTER COLUMN serial DROP NOT NULL,
    ADD COLUMN card_number text REFERENCES card (number),
    ADD CONSTRAINT hand_over_plastic CHECK (num_nonnulls(serial, card_number) = 1);
CREATE UNIQUE INDEX hand_over_card ON hand_over (card_number) WHERE undone_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON photo TO volcard_app;
GRANT SELECT, INSERT, UPDATE ON batch, batch_card, parcel TO volcard_app;
GRANT SELECT, INSERT, DELETE, UPDATE (body) ON batch_file TO volcard_app;

-- +goose Down
DROP TABLE batch_file, parcel, batch_card, batch;
DROP INDEX hand_over_card, application_live, application_review, application_waiting, application_overdue, application_counter;
ALTER TABLE hand_over DROP CONSTRAINT hand_over_plastic, DROP COLUMN card_number, ALTER COLUMN serial SET NOT NULL;
ALTER TABLE application DROP CONSTRAINT application_regular, DROP CONSTRAINT application_mending,
    DROP COLUMN photo_id, DROP COLUMN face, DROP COLUMN design_hash, DROP COLUMN promise_start, DROP COLUMN promised_from,
    DROP COLUMN promised_until, DROP COLUMN promise_provisional, DROP COLUMN promise_due, DROP COLUMN overdue_at,
    DROP COLUMN mend_from, DROP COLUMN mend_until, DROP COLUMN reviewer_id, DROP COLUMN review_until,
    DROP CONSTRAINT application_state_check,
    ADD CONSTRAINT application_state_check CHECK (state IN
        ('accepted', 'held', 'ready', 'lapsed', 'collected', 'closed', 'withdrawn', 'refused'));
CREATE UNIQUE INDEX application_live ON application (person_id) WHERE state IN ('accepted', 'held', 'ready', 'lapsed');
CREATE INDEX application_person ON application (person_id, submitted_at DESC);
CREATE INDEX application_counter ON application (branch_id, pickup_code);
DROP TABLE photo;
ALTER TABLE staff DROP CONSTRAINT staff_role_check,
    ADD CONSTRAINT staff_role_check CHECK (role IN ('clerk', 'province_admin'));
