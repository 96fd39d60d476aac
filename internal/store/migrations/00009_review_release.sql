-- Photos that a reviewer gave back to the queue, with a note for the next reviewer.

-- +goose Up
-- The note lives as long as its photo. The key finds what one reviewer gave back and when last.
CREATE TABLE review_release (
    photo_id uuid        NOT NULL REFERENCES photo ON DELETE CASCADE,
    staff_id uuid        NOT NULL REFERENCES staff,
    at       timestamptz NOT NULL,
    note     text        NOT NULL CHECK (char_length(note) BETWEEN 1 AND 60),
    PRIMARY KEY (photo_id, staff_id, at)
);
GRANT SELECT, INSERT ON review_release TO volcard_app;

-- +goose Down
DROP TABLE review_release;
