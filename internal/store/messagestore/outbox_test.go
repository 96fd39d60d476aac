package messagestore_test

import (
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/storetest"
)

func TestADemonstrationIsFictional(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	outbox := messagestore.Outbox{Store: messagestore.Store{DB: db, Vault: storetest.Vault(t), Clock: clock.System{}}}
	require.NoError(t, outbox.Fictional(t.Context()))
	message := func(state, receipt string) {
		t.Helper()
		_, err := db.Exec(t.Context(), `
			INSERT INTO message (id, dedupe_key, template, phone, params, state, receipt, due_at, created_at)
			VALUES ($1, $2 || $3, 'withdrawn', '', '', $2, $3, now(), now())`, uuid.Must(uuid.NewV7()), state, receipt)
		require.NoError(t, err)
	}
	message("pending", "")
	message("sent", messagestore.ReceiptPrefix+"0190")
	require.NoError(t, outbox.Fictional(t.Context()))
	message("sent", "1234^0")
	require.ErrorIs(t, outbox.Fictional(t.Context()), messagestore.ErrReal)
}
