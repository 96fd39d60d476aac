// Package vault keeps personal data unreadable at rest. Seal and Unseal work on single fields
// with an AEAD key set from the environment; Index makes a keyed blind index, by which an
// equal value can be found and from which it cannot be computed without the key.
package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// indexKeySize is the least number of bytes of the blind index's key.
const indexKeySize = 32

// Vault seals, unseals and indexes. It is safe for concurrent use.
type Vault struct {
	aead     tink.AEAD
	primary  uint32 // id of the key that seals
	indexKey []byte
}

// New opens a vault with a tink key set in JSON and the blind index's key (32 bytes or more).
func New(keysetJSON, indexKey []byte) (*Vault, error) {
	if len(indexKey) < indexKeySize {
		return nil, errors.New("vault: the index key must have 32 bytes or more")
	}
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("vault: key set: %w", err)
	}
	primary, err := handle.Primary()
	if err != nil {
		return nil, fmt.Errorf("vault: key set: %w", err)
	}
	v := &Vault{aead: a, primary: primary.KeyID(), indexKey: bytes.Clone(indexKey)}
	// Without its id in each value nobody could tell which values a rotation has still to seal again.
	probe, err := v.Seal(nil, "probe")
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(probe, v.Prefix()) {
		return nil, errors.New("vault: the primary key does not write its id into values: use one of the variant TINK")
	}
	return v, nil
}

// Generate makes the secrets of a new installation: a key set with one AES-256-GCM key, and an index key.
func Generate() (keysetJSON, indexKey []byte, err error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, nil, fmt.Errorf("vault: %w", err)
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, nil, fmt.Errorf("vault: %w", err)
	}
	indexKey = make([]byte, indexKeySize)
	if _, err := rand.Read(indexKey); err != nil {
		return nil, nil, fmt.Errorf("vault: %w", err)
	}
	return buf.Bytes(), indexKey, nil
}

// Seal encrypts plain for one place. The label names the place ("table.column") and is bound
// to the result: a value moved to another column does not open.
func (v *Vault) Seal(plain []byte, label string) ([]byte, error) {
	sealed, err := v.aead.Encrypt(plain, []byte(label))
	if err != nil {
		return nil, fmt.Errorf("vault: seal %s: %w", label, err)
	}
	return sealed, nil
}

// Unseal reverses Seal with any key of the set.
func (v *Vault) Unseal(sealed []byte, label string) ([]byte, error) {
	plain, err := v.aead.Decrypt(sealed, []byte(label))
	if err != nil {
		return nil, fmt.Errorf("vault: unseal %s: %w", label, err)
	}
	return plain, nil
}

// SealString is Seal for text.
func (v *Vault) SealString(plain, label string) ([]byte, error) { return v.Seal([]byte(plain), label) }

// UnsealString is Unseal for text.
func (v *Vault) UnsealString(sealed []byte, label string) (string, error) {
	plain, err := v.Unseal(sealed, label)
	return string(plain), err
}

// Index is the keyed blind index of a normalised value, 32 bytes. The label separates uses:
// the same text under two labels gives two unrelated indexes.
func (v *Vault) Index(label, normalised string) []byte {
	mac := hmac.New(sha256.New, v.indexKey)
	mac.Write([]byte(label))
	mac.Write([]byte{0})
	mac.Write([]byte(normalised))
	return mac.Sum(nil)
}
