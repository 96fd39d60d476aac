package staffstore

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"volcard/internal/typed"
)

// RFC 6238 as every authenticator implements it, with one step of tolerance to both sides.
const (
	period = 30 * time.Second
	skew   = 1
	issuer = "湖北志愿者证"
)

var base32Plain = base32.StdEncoding.WithPadding(base32.NoPadding)

// newSecret makes a secret of 20 bytes, the length of its hash (RFC 4226, 4).
func newSecret() (string, error) {
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("staffstore: %w", err)
	}
	return base32Plain.EncodeToString(raw), nil
}

// provisioning is the address that an authenticator reads from a QR code.
func provisioning(login, secret string) string {
	q := url.Values{"secret": {secret}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return (&url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + login,
		// Authenticators read a plus as a plus.
		RawQuery: strings.ReplaceAll(q.Encode(), "+", "%20"),
	}).String()
}

func step(at time.Time) int64 { return at.Unix() / int64(period/time.Second) }

// CodeAt is what an authenticator with this secret shows at a time. The demo prints it and tests use it.
func CodeAt(secret string, at time.Time) (string, error) { return codeOf(secret, step(at)) }

func codeOf(secret string, step int64) (string, error) {
	code, err := hotp.GenerateCodeCustom(secret, uint64(max(0, step)),
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("staffstore: totp: %w", err)
	}
	return code, nil
}

// matchStep finds the step whose code was typed, or -1. Every candidate is compared, in constant time.
func matchStep(secret, code string, at time.Time) (int64, error) {
	code = typed.Code(code)
	now, found := step(at), int64(-1)
	for s := now - skew; s <= now+skew; s++ {
		want, err := codeOf(secret, s)
		if err != nil {
			return -1, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = s
		}
	}
	return found, nil
}
