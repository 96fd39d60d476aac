package cardstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest"
)

// Numbers are drawn by lot, so in a rush one comes twice. Whoever draws it draws again.
func TestANumberThatIsGivenAlreadyIsDrawnAnew(t *testing.T) {
	t.Parallel()
	db, owner := storetest.NewWithURL(t)
	b := setupOn(t, db, 5)
	conn, err := pgx.Connect(t.Context(), owner)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	// The server refuses the first two numbers. A sequence is not rolled back with them.
	_, err = conn.Exec(t.Context(), `
		CREATE SEQUENCE drawn;
		GRANT USAGE ON SEQUENCE drawn TO volcard_app;
		CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF nextval('drawn') <= 2 THEN
				RAISE unique_violation USING CONSTRAINT = 'application_number_key';
			END IF;
			RETURN NEW;
		END
		$$;
		CREATE TRIGGER twice BEFORE INSERT ON application FOR EACH ROW EXECUTE FUNCTION twice()`)
	require.NoError(t, err)
	accepted, reasons, err := cardstore.Submissions{Store: b.Store}.Submit(t.Context(), b.submission(t, b.Person("王𠮷", ids[0]), b.draft()))
	require.NoError(t, err)
	require.Empty(t, reasons)
	require.False(t, accepted.Again)
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM application"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM stock_card WHERE state = 'reserved'"))
	require.Equal(t, 3, b.count(t, "SELECT nextval('drawn') - 1"))
	b.books(t)
}
