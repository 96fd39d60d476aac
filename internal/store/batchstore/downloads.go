package batchstore

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/store"
)

// Downloads hands the files of a batch to the factory. They hold names and photos, so the batch's chain
// keeps who took which.
type Downloads struct{ Store }

// download stands in the batch's chain; it moves nothing.
const download card.Action = "batch-download"

// Take reads a file for a member of staff. NotFound where there is none, or where it was deleted.
func (s Downloads) Take(ctx context.Context, staff, id uuid.UUID, kind string, n int) ([]byte, error) {
	body, err := Batches(s).Body(ctx, id, kind, n)
	if err != nil {
		return nil, err
	}
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		snap, err := look(ctx, tx, id)
		if err != nil {
			return err
		}
		who := store.Staff(staff)
		return audit(ctx, tx, id, who, download, snap.State, snap.State, s.Clock.Now(), map[string]any{"kind": kind, "n": n})
	})
	return body, err
}
