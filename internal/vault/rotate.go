package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Rotation happens in steps, each harmless to stop after:
//  1. Prepare adds a key that does not seal yet; the processes are restarted with the set one by
//     one, so that each can read what any other will write. Where all are stopped together, this
//     step can be left out.
//  2. Rotate makes that key (or a new one) the primary key; the processes are restarted with it.
//     Values sealed before stay readable, since the old keys are still in the set.
//  3. package reseal seals every stored value again under the primary key.
//  4. Retire drops the other keys; the processes are restarted with what is left.

// Key is one key of a set, without its material.
type Key struct {
	ID      uint32
	Primary bool
}

// Prepare returns the key set with a new key that does not seal yet.
func Prepare(keysetJSON []byte) ([]byte, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if _, err := manager.Add(aead.AES256GCMKeyTemplate()); err != nil {
		return nil, fmt.Errorf("vault: prepare: %w", err)
	}
	return write(manager)
}

// Rotate returns the key set with another primary key: the one that Prepare has added, or a new one.
func Rotate(keysetJSON []byte) ([]byte, error) {
	keys, err := Keys(keysetJSON)
	if err != nil {
		return nil, err
	}
	if newest := keys[len(keys)-1]; newest.Primary {
		if keysetJSON, err = Prepare(keysetJSON); err != nil {
			return nil, err
		}
		if keys, err = Keys(keysetJSON); err != nil {
			return nil, err
		}
	}
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := manager.SetPrimary(keys[len(keys)-1].ID); err != nil {
		return nil, fmt.Errorf("vault: rotate: %w", err)
	}
	return write(manager)
}

// Retire returns the key set with its primary key alone. What other keys have sealed cannot be
// read any more: reseal must have found nothing left to do, and the workflows that were open at
// the rotation must have ended, since their histories in Temporal are sealed with the old key
// (a card's workflow lasts up to the pickup and the lapsed period together).
func Retire(keysetJSON []byte) ([]byte, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	keys, err := list(handle)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	for _, k := range keys {
		if k.Primary {
			continue
		}
		if err := manager.Delete(k.ID); err != nil {
			return nil, fmt.Errorf("vault: retire: %w", err)
		}
	}
	return write(manager)
}

// Keys lists the keys of a set, in the order in which they were added.
func Keys(keysetJSON []byte) ([]Key, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	return list(handle)
}

// A sealed value begins with one byte of format and the four bytes of its key's id (tink's
// prefix of the variant TINK).
const (
	prefixSize  = 5
	prefixStart = 1
)

// Prefix is what every value begins with that the primary key has sealed.
func (v *Vault) Prefix() []byte {
	p := binary.BigEndian.AppendUint32([]byte{prefixStart}, v.primary)
	return p
}

// KeyID tells which key has sealed a value.
func KeyID(sealed []byte) (uint32, error) {
	if len(sealed) < prefixSize || sealed[0] != prefixStart {
		return 0, errors.New("vault: this is no sealed value")
	}
	return binary.BigEndian.Uint32(sealed[1:prefixSize]), nil
}

// Reseal seals a value again under the primary key; one that is so already comes back as it is.
func (v *Vault) Reseal(sealed []byte, label string) ([]byte, error) {
	if bytes.HasPrefix(sealed, v.Prefix()) {
		return sealed, nil
	}
	plain, err := v.Unseal(sealed, label)
	if err != nil {
		return nil, err
	}
	return v.Seal(plain, label)
}

func read(keysetJSON []byte) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keysetJSON)))
	if err != nil {
		// The cause may quote the input, which is a secret.
		return nil, errors.New("vault: the key set is no tink key set in JSON")
	}
	return handle, nil
}

func write(m *keyset.Manager) ([]byte, error) {
	handle, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return buf.Bytes(), nil
}

func list(handle *keyset.Handle) ([]Key, error) {
	keys := make([]Key, 0, handle.Len())
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("vault: %w", err)
		}
		keys = append(keys, Key{ID: entry.KeyID(), Primary: entry.IsPrimary()})
	}
	return keys, nil
}
