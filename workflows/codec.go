package workflows

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"volcard/internal/vault"
)

const (
	sealedEncoding = "binary/volcard-sealed"
	labelPayload   = "temporal.payload"
)

// DataConverter seals every payload with the vault. It is the second fence: the first is that
// only identifiers, states and dates enter Temporal at all.
func DataConverter(v *vault.Vault) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), Codec(v))
}

// FailureConverter seals the texts of failures too. They hold nothing personal; the codec seals them all the same.
func FailureConverter(v *vault.Vault) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: DataConverter(v), EncodeCommonAttributes: true,
	})
}

// Codec is the sealing alone, for what reads histories.
func Codec(v *vault.Vault) converter.PayloadCodec { return sealing{v} }

type sealing struct{ vault *vault.Vault }

// Encode implements converter.PayloadCodec.
func (s sealing) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("workflows: payload: %w", err)
		}
		sealed, err := s.vault.Seal(plain, labelPayload)
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(sealedEncoding)}, Data: sealed,
		}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. What is not sealed was not written by us: the engine asks
// nobody who they are, and would hand over a message of anybody who reaches it.
func (s sealing) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != sealedEncoding {
			return nil, errors.New("workflows: a payload that is not sealed")
		}
		plain, err := s.vault.Unseal(p.GetData(), labelPayload)
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, fmt.Errorf("workflows: payload: %w", err)
		}
	}
	return out, nil
}
