package credential

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// publishedKey is a JSON Web Key (RFC 8037) with what a verifier needs beside it.
type publishedKey struct {
	KID       string     `json:"kid"`
	KTY       string     `json:"kty"`
	CRV       string     `json:"crv"`
	Alg       string     `json:"alg"`
	Use       string     `json:"use"`
	X         string     `json:"x"`
	NotBefore time.Time  `json:"notBefore"`
	Retired   *time.Time `json:"retired,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
}

// Published is the document of all public keys in force, and its ETag.
func (r *Keyring) Published() (document []byte, etag string, err error) {
	k := r.keys.Load()
	if k == nil || len(k.all) == 0 {
		return nil, "", ErrNoKey
	}
	out := struct {
		Keys []publishedKey `json:"keys"`
	}{}
	for _, key := range k.all {
		p := publishedKey{
			KID: key.KID, KTY: "OKP", CRV: "Ed25519", Alg: "EdDSA", Use: "sig",
			X: base64.RawURLEncoding.EncodeToString(key.Public), NotBefore: key.NotBefore.UTC(),
		}
		if !key.Retired.IsZero() {
			retired, until := key.Retired.UTC(), key.Until.UTC()
			p.Retired, p.Until = &retired, &until
		}
		out.Keys = append(out.Keys, p)
	}
	document, err = json.Marshal(out)
	if err != nil {
		return nil, "", fmt.Errorf("credential: keys: %w", err)
	}
	sum := sha256.Sum256(document)
	return document, `"` + hex.EncodeToString(sum[:8]) + `"`, nil
}
