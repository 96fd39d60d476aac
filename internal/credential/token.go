package credential

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// What is signed together with the content, though not sent with it: a signature over one kind of
// document is none over the other.
var (
	aadToken = []byte("volcard token 1")
	aadList  = []byte("volcard revoked 1")
)

// payload is the signed content of a token.
type payload struct {
	CardNumber uint64 `cbor:"1,keyasint"`
	Edition    uint64 `cbor:"2,keyasint"`
	IssuedOn   uint64 `cbor:"3,keyasint"`
	ExpiresOn  uint64 `cbor:"4,keyasint"`
	MaskedName string `cbor:"5,keyasint"`
	// Random keeps a number that was ever signed twice from having one token. Tokens of before have none.
	Random []byte `cbor:"6,keyasint,omitempty"`
}

// sealed is a COSE_Sign1 message as it lies in the file: the outer array of RFC 9052 section 4.2.
type sealed struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int]int
	Payload     []byte
	Signature   []byte
}

const (
	sign1Tag  = 18
	kidBytes  = 5
	saltBytes = 6
	idBytes   = 8
	minToken  = 140 // characters; below that something is missing
	maxToken  = 480
	headerLen = 10 // {1: -8, 4: h'<5 bytes>'}
)

var (
	text32 = base32.StdEncoding.WithPadding(base32.NoPadding)

	encoder = must(cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloat16,
		IndefLength: cbor.IndefLengthForbidden,
	}.EncMode())
	decoder = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, UTF8: cbor.UTF8RejectInvalid,
		MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: 16,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // constant options: a mistake shows at the first start
	}
	return v
}

// kidOf names a key by its content: the first bytes of its hash, in base32. Nothing else can be
// published under the same name.
func kidOf(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return text32.EncodeToString(sum[:kidBytes])
}

// signMessage makes the COSE_Sign1 message, with extra entries in its signed header. Ed25519 is
// deterministic: the same content under the same key is the same message.
func signMessage(k Key, content, aad []byte, extra cose.ProtectedHeader) ([]byte, error) {
	kid, err := text32.DecodeString(k.KID)
	if err != nil || len(kid) != kidBytes || len(k.Private) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("credential: key %s cannot sign", k.KID)
	}
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, k.Private)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	header := cose.ProtectedHeader{cose.HeaderLabelAlgorithm: cose.AlgorithmEdDSA, cose.HeaderLabelKeyID: kid}
	maps.Copy(header, extra)
	msg := cose.Sign1Message{Headers: cose.Headers{Protected: header}, Payload: content}
	if err := msg.Sign(nil, aad, signer); err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	data, err := msg.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return data, nil
}

// split takes a message apart. It accepts one form only, the one that signMessage writes: what the
// signature does not cover (the outer array and the unprotected header) cannot be varied, so that
// one card has one token.
func split(data []byte) (m sealed, kid string, err error) {
	var tag cbor.RawTag
	if err := decoder.Unmarshal(data, &tag); err != nil || tag.Number != sign1Tag {
		return m, "", fmt.Errorf("%w (no COSE_Sign1)", ErrMalformed)
	}
	if err := decoder.Unmarshal(tag.Content, &m); err != nil {
		return m, "", fmt.Errorf("%w (not four parts)", ErrMalformed)
	}
	if len(m.Signature) != ed25519.SignatureSize || len(m.Unprotected) != 0 || m.Payload == nil {
		return m, "", fmt.Errorf("%w (parts)", ErrMalformed)
	}
	p := m.Protected
	if !hasHeaderStart(p) {
		return m, "", fmt.Errorf("%w (header)", ErrMalformed)
	}
	again, err := encoder.Marshal(cbor.Tag{Number: sign1Tag, Content: sealed{
		Protected: p, Unprotected: map[int]int{}, Payload: m.Payload, Signature: m.Signature,
	}})
	if err != nil || !bytes.Equal(again, data) {
		return m, "", fmt.Errorf("%w (form)", ErrMalformed)
	}
	return m, text32.EncodeToString(p[5:]), nil
}

// verifyMessage checks the signature of a message that was split.
func verifyMessage(k Key, m sealed, aad []byte) error {
	verifier, err := cose.NewVerifier(cose.AlgorithmEdDSA, k.Public)
	if err != nil {
		return fmt.Errorf("credential: %w", err)
	}
	msg := cose.Sign1Message{
		Headers: cose.Headers{Protected: cose.ProtectedHeader{
			cose.HeaderLabelAlgorithm: cose.AlgorithmEdDSA,
			cose.HeaderLabelKeyID:     m.Protected[5:],
		}},
		Payload: m.Payload, Signature: m.Signature,
	}
	if err := msg.Verify(aad, verifier); err != nil {
		return ErrSignature
	}
	return nil
}

// encode makes the signed content of a token. random is of saltBytes.
func encode(c Claims, random []byte) ([]byte, error) {
	if !c.wellFormed() {
		return nil, fmt.Errorf("credential: claims of card %s cannot be signed", c.CardNumber)
	}
	number, err := strconv.ParseUint(c.CardNumber, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("credential: card number: %w", err)
	}
	return encoder.Marshal(payload{
		CardNumber: number, Edition: editions[c.Edition], MaskedName: c.MaskedName,
		IssuedOn: uint64(day(c.IssuedOn)), ExpiresOn: uint64(day(c.ExpiresOn)), Random: random,
	})
}

// decode reads the signed content. Keys that it does not know are left alone, so that a later
// version may say more.
func decode(content []byte) (Claims, error) {
	var p payload
	if err := decoder.Unmarshal(content, &p); err != nil {
		return Claims{}, fmt.Errorf("%w (content)", ErrMalformed)
	}
	edition, known := editionOf(p.Edition)
	if !known || p.IssuedOn > maxDay || p.ExpiresOn > maxDay {
		return Claims{}, fmt.Errorf("%w (content)", ErrMalformed)
	}
	c := Claims{
		CardNumber: strconv.FormatUint(p.CardNumber, 10), Edition: edition, MaskedName: p.MaskedName,
		IssuedOn: fromDay(p.IssuedOn), ExpiresOn: fromDay(p.ExpiresOn),
	}
	if !c.wellFormed() {
		return Claims{}, fmt.Errorf("%w (content)", ErrMalformed)
	}
	return c, nil
}

// fromText reads base32 in its one right form: no padding, no stray bits at the end.
func fromText(token string) ([]byte, error) {
	if len(token) < minToken || len(token) > maxToken {
		return nil, fmt.Errorf("%w (length)", ErrMalformed)
	}
	data, err := text32.DecodeString(token)
	if err != nil || text32.EncodeToString(data) != token {
		return nil, fmt.Errorf("%w (base32)", ErrMalformed)
	}
	return data, nil
}

// expired tells whether the last day is over.
func (c Claims) expired(now time.Time) bool { return day(now) > day(c.ExpiresOn) }

// RevocationID is the name under which the old form of the list knows a token: the hash of its
// signature, cut.
func RevocationID(token string) ([]byte, error) {
	data, err := fromText(token)
	if err != nil {
		return nil, err
	}
	m, _, err := split(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(m.Signature)
	return sum[:idBytes], nil
}
