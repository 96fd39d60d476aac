package staffstore_test

import (
	"testing"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"volcard/internal/store/staffstore"
)

func TestDemoAccountsShowTheCodesOfNow(t *testing.T) {
	b := setup(t)
	e, err := staffstore.Accounts{Store: b.Store}.Create(t.Context(), staffstore.Demo(), staffstore.NewStaff{
		Login: "demo", Name: "陈管理员", Role: staffstore.ProvinceAdmin,
	})
	require.NoError(t, err)
	b.admin("somebody.else") // an administrator made it: the page must not tell its code
	list, err := b.Store.DemoAccounts(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	want, err := totp.GenerateCode(e.TOTPSecret, b.Store.Clock.Now())
	require.NoError(t, err)
	require.Equal(t, want, list[0].Code)
	require.Positive(t, list[0].Left)
}
