package stage

import (
	"context"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/store"
)

// Books looks at what stands in the database.
type Books struct {
	T  testing.TB
	DB *store.DB
}

// Text answers a query of one text.
func (s Books) Text(sql string, args ...any) (text string) {
	s.T.Helper()
	require.NoError(s.T, s.DB.QueryRow(context.Background(), sql, args...).Scan(&text))
	return text
}

// Count answers a counting query.
func (s Books) Count(sql string, args ...any) (n int) {
	s.T.Helper()
	require.NoError(s.T, s.DB.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// Texts answers a query of one text column, in its order.
func (s Books) Texts(sql string, args ...any) (texts []string) {
	s.T.Helper()
	require.NoError(s.T, s.DB.QueryRow(context.Background(), "SELECT ARRAY("+sql+")", args...).Scan(&texts))
	return texts
}

// State is where a case stands.
func (s Books) State(a Applicant) card.State {
	s.T.Helper()
	return card.State(s.Text("SELECT state FROM application WHERE id = $1", a.ID))
}

// Moves are the recorded moves of a case, in order.
func (s Books) Moves(a Applicant) []string {
	s.T.Helper()
	return s.Texts("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", a.ID)
}

// Told are the templates of the messages about a case, in order.
func (s Books) Told(a Applicant) []string {
	s.T.Helper()
	return s.Texts("SELECT template FROM message WHERE dedupe_key LIKE $1 || ':%' ORDER BY id", a.ID.String())
}

// CardNumber is the number of a case's card.
func (s Books) CardNumber(a Applicant) string {
	s.T.Helper()
	return s.Text("SELECT number FROM card WHERE application_id = $1", a.ID)
}

// Parcel is what travels from a batch to a branch.
func (s Books) Parcel(id, branch uuid.UUID) (parcel uuid.UUID) {
	s.T.Helper()
	require.NoError(s.T, s.DB.QueryRow(context.Background(),
		"SELECT id FROM parcel WHERE batch_id = $1 AND branch_id = $2", id, branch).Scan(&parcel))
	return parcel
}
