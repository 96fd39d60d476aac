package store

import (
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// idCodec sends and reads ids as their sixteen bytes. Without it pgx turns each into text and
// back, since the type offers itself to database/sql that way.
type idCodec struct{ pgtype.UUIDCodec }

func registerIDs(m *pgtype.Map) {
	m.RegisterType(&pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: idCodec{}})
}

// PlanEncode implements pgtype.Codec.
func (c idCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return idBytes{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

// PlanScan implements pgtype.Codec.
func (c idCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return idBytes{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

// idBytes is both plans.
type idBytes struct{}

// Encode implements pgtype.EncodePlan.
func (idBytes) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(uuid.UUID) //nolint:forcetypeassert // PlanEncode looked
	return append(buf, id[:]...), nil
}

// Scan implements pgtype.ScanPlan.
func (idBytes) Scan(src []byte, target any) error {
	id := target.(*uuid.UUID) //nolint:forcetypeassert // PlanScan looked
	if len(src) != len(id) {
		return fmt.Errorf("store: %d bytes are no id", len(src)) // NULL has none
	}
	copy(id[:], src)
	return nil
}
