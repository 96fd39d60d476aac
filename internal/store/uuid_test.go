package store_test

import (
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/store/storetest"
)

func TestIDsGoThereAndBack(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	id := uuid.Must(uuid.NewV7())
	var text string
	var same uuid.UUID
	var list []uuid.UUID
	var none, some *uuid.UUID
	var null, full uuid.NullUUID
	err := db.QueryRow(t.Context(), `SELECT $1::uuid::text, $1::uuid, $2::uuid[], $3::uuid, $4::uuid, $5::uuid, $6::uuid`,
		id, []uuid.UUID{id, id}, nil, &id, uuid.NullUUID{}, uuid.NullUUID{UUID: id, Valid: true}).
		Scan(&text, &same, &list, &none, &some, &null, &full)
	require.NoError(t, err)
	require.Equal(t, id.String(), text)
	require.Equal(t, id, same)
	require.Equal(t, []uuid.UUID{id, id}, list)
	require.Nil(t, none)
	require.Equal(t, id, *some)
	require.False(t, null.Valid)
	require.Equal(t, uuid.NullUUID{UUID: id, Valid: true}, full)

	require.NoError(t, db.QueryRow(t.Context(), "SELECT $1::uuid", id.String()).Scan(&same), "a text is an id as well")
	require.Error(t, db.QueryRow(t.Context(), "SELECT NULL::uuid").Scan(&same), "an id that is none does not pass as zeros")
}
