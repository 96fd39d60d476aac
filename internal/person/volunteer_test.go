package person_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/person"
)

func TestIsVolunteerNo(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"V7K2M9QX4TB": true, "420106": true, strings.Repeat("9", 20): true,
		"": false, "V7K2M": false, strings.Repeat("9", 21): false, "v7k2m9qx4tb": false, "V7K2-M9QX": false, "V7K2M9QX\n": false, "Ｖ7K2M9QX": false,
	} {
		require.Equal(t, want, person.IsVolunteerNo(s), "%q", s)
	}
}
