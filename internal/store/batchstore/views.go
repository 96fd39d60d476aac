package batchstore

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/batch"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Reads reads batches for pages. It changes nothing.
type Reads struct{ Store }

// Batch is a batch as its pages show it.
type Batch struct {
	ID         uuid.UUID
	Number     string
	State      batch.State
	Cards      int // of which none was taken out
	Rejected   int
	Parcels    int
	Arrived    int // parcels
	FrozenAt   time.Time
	RenderedAt *time.Time
	PrintedAt  *time.Time
	ShippedAt  *time.Time
	DoneAt     *time.Time
}

// Missing counts the parcels that have not arrived.
func (b Batch) Missing() int { return b.Parcels - b.Arrived }

const batchSQL = `
	SELECT b.id, b.number, b.state, b.cards,
	       (SELECT count(*) FROM batch_card c WHERE c.batch_id = b.id AND c.state = 'rejected'),
	       (SELECT count(*) FROM parcel p WHERE p.batch_id = b.id),
	       (SELECT count(*) FROM parcel p WHERE p.batch_id = b.id AND p.arrived_at IS NOT NULL),
	       b.frozen_at, b.rendered_at, b.printed_at, b.shipped_at, b.done_at
	  FROM batch b `

// Recent lists batches, newest first: limit rows after the first offset ones.
func (s Reads) Recent(ctx context.Context, limit, offset int) ([]Batch, error) {
	rows, err := s.DB.Query(ctx, batchSQL+"ORDER BY b.frozen_at DESC LIMIT $1 OFFSET $2", limit, offset)
	if err != nil {
		return nil, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Batch])
	return list, store.Translate(err)
}

// Get reads one batch.
func (s Reads) Get(ctx context.Context, id uuid.UUID) (Batch, error) {
	rows, err := s.DB.Query(ctx, batchSQL+"WHERE b.id = $1", id)
	if err != nil {
		return Batch{}, store.Translate(err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Batch])
	if errors.Is(err, pgx.ErrNoRows) {
		return Batch{}, fault.New(fault.NotFound, "没有这个批次。")
	}
	return b, store.Translate(err)
}

// FileInfo is a file as the factory's page lists it.
type FileInfo struct {
	Kind   string
	N      int
	Cards  int
	Size   int
	SHA256 []byte
	At     time.Time
}

// Files lists the files of a batch: the manifest first, then the print files in order.
func (s Reads) Files(ctx context.Context, id uuid.UUID) ([]FileInfo, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT kind, n, cards, size, sha256, at FROM batch_file WHERE batch_id = $1 ORDER BY kind, n LIMIT 200`, id)
	if err != nil {
		return nil, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FileInfo])
	return list, store.Translate(err)
}

// Parcel is what travels to one branch.
type Parcel struct {
	ID          uuid.UUID
	BatchID     uuid.UUID
	BatchNumber string
	BatchState  batch.State
	BranchName  string
	Cards       int
	ShippedAt   *time.Time
	ArrivedAt   *time.Time
	ArrivedBy   string // the clerk's name
}

const parcelSQL = `
	SELECT p.id, p.batch_id, b.number, b.state, br.name, p.cards, b.shipped_at, p.arrived_at, coalesce(s.name, '')
	  FROM parcel p JOIN batch b ON b.id = p.batch_id JOIN branch br ON br.id = p.branch_id
	  LEFT JOIN staff s ON s.id = p.arrived_by `

// Parcels lists the parcels of a batch, by branch.
func (s Reads) Parcels(ctx context.Context, id uuid.UUID) ([]Parcel, error) {
	return s.parcels(ctx, "WHERE p.batch_id = $1 ORDER BY br.name LIMIT 1000", id)
}

// UnderWay lists the parcels that a branch waits for, the oldest batch first.
func (s Reads) UnderWay(ctx context.Context, branch uuid.UUID) ([]Parcel, error) {
	return s.parcels(ctx, "WHERE p.branch_id = $1 AND p.arrived_at IS NULL ORDER BY b.frozen_at LIMIT 100", branch)
}

func (s Reads) parcels(ctx context.Context, where string, args ...any) ([]Parcel, error) {
	rows, err := s.DB.Query(ctx, parcelSQL+where, args...)
	if err != nil {
		return nil, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Parcel])
	return list, store.Translate(err)
}

// ParcelCard is a card in a parcel, for the branch that unpacks it.
type ParcelCard struct {
	Number     string
	HolderName string // empty: not to be told
}

// parcelPage is how many cards of a parcel are listed.
const parcelPage = 2000

// ParcelCards lists the first cards of a parcel of this branch, in printing order. A holder who has taken back
// the consent to the bank's part is not named.
func (s Reads) ParcelCards(ctx context.Context, branch, parcel uuid.UUID) (Parcel, []ParcelCard, error) {
	list, err := s.parcels(ctx, "WHERE p.id = $1 AND p.branch_id = $2", parcel, branch)
	if err != nil {
		return Parcel{}, nil, err
	}
	if len(list) == 0 {
		return Parcel{}, nil, fault.New(fault.NotFound, "本网点没有这个包裹。")
	}
	rows, err := s.DB.Query(ctx, `
		SELECT bc.card_number,
		       CASE WHEN EXISTS (SELECT 1 FROM consent k WHERE k.person_id = c.person_id AND k.purpose = 'bank' AND k.withdrawn_at IS NULL)
		            THEN c.holder_name ELSE '' END
		  FROM batch_card bc JOIN card c ON c.number = bc.card_number
		 WHERE bc.batch_id = $1 AND bc.branch_id = $2 AND bc.state <> 'rejected' ORDER BY bc.seq LIMIT $3`, list[0].BatchID, branch, parcelPage)
	if err != nil {
		return Parcel{}, nil, store.Translate(err)
	}
	cards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ParcelCard])
	return list[0], cards, store.Translate(err)
}

// Queue counts what waits for the next batch, and since when the oldest does.
func (s Reads) Queue(ctx context.Context) (cards int, oldest *time.Time, err error) {
	err = s.DB.QueryRow(ctx, "SELECT count(*), min(submitted_at) FROM application WHERE state = 'waiting'").Scan(&cards, &oldest)
	return cards, oldest, store.Translate(err)
}
