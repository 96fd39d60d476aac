package batchstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/batch"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Kinds of files.
const (
	Print    = "print"    // PDF: front and back of each card
	Manifest = "manifest" // CSV: a line for each card
)

// Card is a card of a batch, with all that is printed on it.
type Card struct {
	Seq           int
	ApplicationID uuid.UUID
	Number        string
	Edition       string
	HolderName    string
	VolunteerNo   string
	Face          string
	Token         string
	IssuedAt      time.Time
	ExpiresAt     time.Time
	DesignHash    []byte
	Photo         []byte // JPEG; empty where it does not open any more
}

// Cards reads what stands in the n-th print file, in printing order. n counts from 1. A damaged photo does
// not keep the others from being printed: its card comes without one, is not what was confirmed, and is
// taken out. Where the key set is at fault instead, WriteFile cannot open the phone of who is to be told,
// takes nobody out, and is tried again.
func (s Batches) Cards(ctx context.Context, id uuid.UUID, n int) ([]Card, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT bc.seq, bc.application_id, bc.card_number, c.edition, c.holder_name, c.volunteer_no, a.face, c.token, c.issued_at,
		       c.expires_at, bc.design_hash, p.image
		  FROM batch_card bc JOIN application a ON a.id = bc.application_id JOIN card c ON c.number = bc.card_number
		  JOIN photo p ON p.id = a.photo_id
		 WHERE bc.batch_id = $1 AND bc.seq > $2 AND bc.seq <= $3 AND bc.state = 'frozen' ORDER BY bc.seq`,
		id, (n-1)*batch.FileCards, n*batch.FileCards)
	if err != nil {
		return nil, store.Translate(err)
	}
	cards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Card])
	if err != nil {
		return nil, store.Translate(err)
	}
	for i := range cards {
		if cards[i].Photo, err = s.Vault.Unseal(cards[i].Photo, labelPhoto); err != nil {
			slog.ErrorContext(ctx, "photo of a frozen card does not open", "application", cards[i].ApplicationID, "error", err)
			cards[i].Photo = nil
		}
	}
	return cards, nil
}

// File is a file as it is written.
type File struct {
	Kind   string
	N      int
	Body   []byte
	Hashes map[int][32]byte // of the cards in it, by seq; of a print file only
}

// Rejection tells how a card is taken out of a batch: its applicant has until then to confirm again.
type Rejection struct {
	Seqs      []int
	MendUntil time.Time
}

// WriteFile stores a file and takes the rejected cards out, in one transaction. A file that exists stays
// as it is. It returns the applications of the rejected cards.
func (s Batches) WriteFile(ctx context.Context, id uuid.UUID, f File, r Rejection) ([]uuid.UUID, error) {
	sum := sha256.Sum256(f.Body)
	sealed, err := s.Vault.Seal(f.Body, LabelFile)
	if err != nil {
		return nil, err
	}
	fileID, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("batchstore: %w", err)
	}
	seqs, hashes := make([]int, 0, len(f.Hashes)), make([][]byte, 0, len(f.Hashes))
	for seq, h := range f.Hashes {
		seqs, hashes = append(seqs, seq), append(hashes, h[:])
	}
	var rejected []uuid.UUID
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := look(ctx, tx, id); err != nil { // one writer at a time
			return err
		}
		now := s.Clock.Now()
		tag, err := tx.Exec(ctx, `
			INSERT INTO batch_file (id, batch_id, kind, n, cards, size, sha256, body, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT DO NOTHING`, fileID, id, f.Kind, f.N, len(seqs), len(f.Body), sum[:], sealed, now)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 1 && f.Kind == Print {
			if err := s.settle(ctx, tx, id, seqs, hashes, r, now); err != nil {
				return err
			}
		}
		rejected, err = s.rejected(ctx, tx, id, f.N)
		return err
	})
	return rejected, err
}

// settle records what was printed of each card and moves the rejected ones, each by one statement.
func (s Batches) settle(ctx context.Context, tx pgx.Tx, id uuid.UUID, seqs []int, hashes [][]byte, r Rejection, now time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE batch_card bc SET print_hash = h.hash FROM unnest($2::int[], $3::bytea[]) AS h (seq, hash)
		 WHERE bc.batch_id = $1 AND bc.seq = h.seq AND bc.state = 'frozen'`, id, seqs, hashes)
	if err != nil || len(r.Seqs) == 0 {
		return err
	}
	rows, err := tx.Query(ctx, `
		WITH out AS (
		  UPDATE batch_card SET state = 'rejected' WHERE batch_id = $1 AND seq = ANY($2) AND state = 'frozen' RETURNING application_id),
		moved AS (
		  UPDATE application a SET state = 'mending', mend_from = $3, mend_until = $4
		    FROM out WHERE a.id = out.application_id AND a.state = 'producing' RETURNING a.id, a.person_id, a.phone, a.number),
		told AS (
		  INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action, from_state, to_state, detail, prev_hash, hash)
		  SELECT 'application', id, 0, $3, $5, $6, 'reject', 'producing', 'mending', jsonb_build_object('batch', $1::uuid), '', '' FROM moved)
		SELECT id, person_id, phone, number, pg_notify($7, id::text)::text FROM moved`,
		id, r.Seqs, now, r.MendUntil, actor.Kind, actor.ID, caseChannel)
	if err != nil {
		return err
	}
	type applicant struct {
		ID, Person uuid.UUID
		Phone      []byte
		Number     string
		Notified   string
	}
	applicants, err := pgx.CollectRows(rows, pgx.RowToStructByPos[applicant])
	if err != nil {
		return err
	}
	later := &store.Later{}
	for _, a := range applicants {
		phone, err := s.Vault.UnsealString(a.Phone, labelPhone)
		if err != nil {
			return err
		}
		err = store.Enqueue(ctx, later, s.Vault, store.Message{
			DedupeKey: fmt.Sprintf("%s:mend-%d:%s", a.ID, now.UnixMicro(), a.Person), PersonID: a.Person, Template: "confirm-again",
			Phone: phone, Params: map[string]string{"number": a.Number, "until": clock.Day(r.MendUntil)}, At: now,
		})
		if err != nil {
			return err
		}
	}
	return later.Send(ctx, tx)
}

func (s Batches) rejected(ctx context.Context, tx pgx.Tx, id uuid.UUID, n int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		SELECT application_id FROM batch_card WHERE batch_id = $1 AND seq > $2 AND seq <= $3 AND state = 'rejected'`,
		id, (n-1)*batch.FileCards, n*batch.FileCards)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// HasFile tells whether a file was written, so that a process that was killed does not draw it again.
func (s Batches) HasFile(ctx context.Context, id uuid.UUID, kind string, n int) (bool, error) {
	var has bool
	err := s.DB.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM batch_file WHERE batch_id = $1 AND kind = $2 AND n = $3)", id, kind, n).Scan(&has)
	return has, store.Translate(err)
}

// Line is a card as the manifest tells it.
type Line struct {
	Seq        int
	Number     string
	HolderName string
	Branch     string
	PrintHash  []byte
}

// Lines lists the cards of a batch that are in its print files, in printing order.
func (s Batches) Lines(ctx context.Context, id uuid.UUID) ([]Line, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT bc.seq, bc.card_number, c.holder_name, b.name, bc.print_hash
		  FROM batch_card bc JOIN card c ON c.number = bc.card_number JOIN branch b ON b.id = bc.branch_id
		 WHERE bc.batch_id = $1 AND bc.state = 'frozen' ORDER BY bc.seq LIMIT $2`, id, batch.MaxCards)
	if err != nil {
		return nil, store.Translate(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Line])
	return lines, store.Translate(err)
}

// Body reads a file for the factory.
func (s Batches) Body(ctx context.Context, id uuid.UUID, kind string, n int) ([]byte, error) {
	var sealed []byte
	err := s.DB.QueryRow(ctx, "SELECT body FROM batch_file WHERE batch_id = $1 AND kind = $2 AND n = $3", id, kind, n).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "没有这个文件；批次完成后文件会被删除。")
	}
	if err != nil {
		return nil, store.Translate(err)
	}
	return s.Vault.Unseal(sealed, LabelFile)
}

// DropFiles deletes the files of a batch that is done: they hold names and photos (PIPL 19).
func (s Batches) DropFiles(ctx context.Context, id uuid.UUID) error {
	_, err := s.DB.Exec(ctx, `
		DELETE FROM batch_file WHERE batch_id = (SELECT id FROM batch WHERE id = $1 AND state = 'done')`, id)
	return store.Translate(err)
}

// Sweep deletes files of batches that are done whose process could not, at most limit.
func (s Batches) Sweep(ctx context.Context, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM batch_file WHERE id IN (
		  SELECT f.id FROM batch_file f JOIN batch b ON b.id = f.batch_id WHERE b.state = 'done' LIMIT $1)`, limit)
	return tag.RowsAffected(), store.Translate(err)
}
