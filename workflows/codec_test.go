package workflows

import (
	"errors"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"volcard/internal/fault"
	"volcard/internal/vault"
)

func TestPayloadsAreSealed(t *testing.T) {
	t.Parallel()
	keyset, index, err := vault.Generate()
	require.NoError(t, err)
	v, err := vault.New(keyset, index)
	require.NoError(t, err)
	c := DataConverter(v)
	in := CardApplicationInput{ApplicationID: uuid.Must(uuid.NewV7())}
	payload, err := c.ToPayload(in)
	require.NoError(t, err)
	require.NotContains(t, string(payload.GetData()), in.ApplicationID.String())
	var out CardApplicationInput
	require.NoError(t, c.FromPayload(payload, &out))
	require.Equal(t, in, out)

	// Neither what nobody sealed reads, nor what another key sealed.
	plain, err := converter.GetDefaultDataConverter().ToPayload(in)
	require.NoError(t, err)
	require.ErrorContains(t, c.FromPayload(plain, &out), "not sealed")
	keyset, index, err = vault.Generate()
	require.NoError(t, err)
	other, err := vault.New(keyset, index)
	require.NoError(t, err)
	require.Error(t, DataConverter(other).FromPayload(payload, &out))
}

func TestErrorsComeBackAsFaults(t *testing.T) {
	t.Parallel()
	require.NoError(t, toFault(nil))
	err := toFault(temporal.NewNonRetryableApplicationError("已领取", string(fault.Conflict), nil))
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	require.Equal(t, "已领取", fault.Sentence(err))
	err = toFault(temporal.NewApplicationError("row 42 of person", string(fault.Internal)))
	require.NotContains(t, fault.Sentence(err), "row", "an internal text never reaches a person")
	require.Equal(t, fault.Unavailable, fault.KindOf(toFault(errors.New("connection refused"))))
}
