package render

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQRTooLong(t *testing.T) {
	_, err := encodeQR(strings.Repeat("A", 5000))
	require.Error(t, err)
	_, err = QR(strings.Repeat("A", 5000))
	require.Error(t, err)
}
