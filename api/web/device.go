package web

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"volcard/internal/vault"
)

// Devices recognises the browsers from which an account was used before. Wrong passwords from such a browser
// are counted apart from those of strangers, so that nobody is locked out by what others try (OWASP, "device
// cookies"). The cookie opens nothing and names nobody: it holds a random id and, for each account, a keyed
// hash of both.
type Devices struct {
	vault  *vault.Vault
	cookie string
	secure bool
}

const (
	labelDevice    = "device.account"
	deviceIDBytes  = 16
	deviceMACBytes = 16
	deviceAccounts = 4 // of one browser, the newest first: a family's phone, a counter's computer
	deviceLife     = 400 * 24 * time.Hour
)

func newDevices(v *vault.Vault, secure bool) *Devices {
	d := &Devices{vault: v, secure: secure, cookie: "volcard-device"}
	if secure {
		d.cookie = "__Host-volcard-device"
	}
	return d
}

// Known returns the key under which this browser's tries at an account are counted; empty where the account
// was never used from it. kind is KindPerson or KindStaff, account what the login form asks for, normalised.
func (d *Devices) Known(r *http.Request, kind, account string) string {
	id, macs := d.read(r)
	if id == nil {
		return ""
	}
	want := d.mac(id, kind, account)
	for _, mac := range macs {
		if hmac.Equal(mac, want) {
			return base64.RawURLEncoding.EncodeToString(id)
		}
	}
	return ""
}

// Remember notes in the browser that its user has proved to be the account's holder.
func (d *Devices) Remember(w http.ResponseWriter, r *http.Request, kind, account string) {
	id, macs := d.read(r)
	if id == nil {
		id = make([]byte, deviceIDBytes)
		_, _ = rand.Read(id) // crypto/rand never fails
	}
	newest := d.mac(id, kind, account)
	value := slices.Concat(id, newest)
	for _, mac := range macs {
		if !hmac.Equal(mac, newest) && len(value) < deviceIDBytes+deviceAccounts*deviceMACBytes {
			value = append(value, mac...)
		}
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the base URL: config allows http on this machine only
		Name: d.cookie, Value: base64.RawURLEncoding.EncodeToString(value), Path: "/", MaxAge: int(deviceLife.Seconds()),
		Secure: d.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (d *Devices) mac(id []byte, kind, account string) []byte {
	text := strings.Join([]string{base64.RawURLEncoding.EncodeToString(id), kind, account}, "\x00")
	return d.vault.Index(labelDevice, text)[:deviceMACBytes]
}

// read takes the cookie apart; id is nil where there is none of ours.
func (d *Devices) read(r *http.Request) (id []byte, macs [][]byte) {
	c, err := r.Cookie(d.cookie)
	if err != nil {
		return nil, nil
	}
	value, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(value) < deviceIDBytes || len(value) > deviceIDBytes+deviceAccounts*deviceMACBytes {
		return nil, nil
	}
	for rest := value[deviceIDBytes:]; len(rest) >= deviceMACBytes; rest = rest[deviceMACBytes:] {
		macs = append(macs, rest[:deviceMACBytes:deviceMACBytes])
	}
	return value[:deviceIDBytes:deviceIDBytes], macs
}
