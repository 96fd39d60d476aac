// Package reseal seals every stored value again under the vault's primary key, after a rotation.
// It holds the one list of all sealed columns.
package reseal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"volcard/internal/store"
	"volcard/internal/vault"
)

// Column is a sealed column.
type Column struct {
	Table  string
	Column string
	Key    string // the primary key's column
}

// Label is the associated data under which the column's values are sealed.
func (c Column) Label() string { return c.Table + "." + c.Column }

// Columns are all sealed columns. A test compares them with the schema: a bytea column stands
// here or in Plain.
func Columns() []Column {
	return []Column{
		{"person", "id_number", "id"},
		{"person", "phone", "id"},
		{"person", "address", "id"},
		{"person", "guardian", "id"},
		{"staff", "totp_secret", "id"},
		{"session", "data", "token"},
		{"kept_form", "data", "id"},
		{"message", "phone", "id"},
		{"message", "params", "id"},
		{"outbox_page", "phone", "id"},
		{"outbox_page", "body", "id"},
		{"signing_key", "private_key", "kid"},
		{"application_draft", "data", "person_id"},
		{"application", "address", "id"},
		{"application", "phone", "id"},
		{"photo", "image", "id"},
		{"batch_file", "body", "id"},
	}
}

// Plain are the columns of bytes that are not sealed, and why.
func Plain() map[string]string {
	return map[string]string{
		"audit_entry.prev_hash":    "hash of the chain",
		"audit_entry.hash":         "hash of the chain",
		"person.id_index":          "keyed blind index",
		"person.phone_index":       "keyed blind index",
		"admin_token.token_hash":   "keyed hash",
		"sms_code.phone_index":     "keyed blind index",
		"sms_code.session_hash":    "keyed hash",
		"sms_code.code_hash":       "keyed hash",
		"attempt.key":              "keyed hash",
		"kept_form.browser":        "hash of a random key",
		"signing_key.public_key":   "public",
		"list_import.sha256":       "hash of a public list",
		"application.content_hash": "hash",
		"application.design_hash":  "hash",
		"photo.sha256":             "hash of a sealed picture",
		"batch_card.design_hash":   "hash",
		"batch_card.print_hash":    "hash",
		"batch_file.sha256":        "hash of a sealed file",
		"calendar_year.sha256":     "hash of a public list",
		"card.content_hash":        "hash",
	}
}

// Report is what a run did in one column.
type Report struct {
	Column   Column
	Resealed int
	// Broken counts values that no key of the set can open. They are left as they are.
	Broken int
}

// batch is how many rows one transaction handles: short locks, and little to do again after a stop. A
// factory's file is megabytes long, so few of them are in memory at once.
const batch, largeBatch = 200, 4

// batch is how many values of the column are in memory at once.
func (c Column) batch() int {
	if c.Table == "batch_file" {
		return largeBatch
	}
	return batch
}

// Run seals all values again that another key than the primary one has sealed, column by column,
// in batches that are committed one by one. It can be stopped at any moment and run again; a
// second run finds nothing to do. It may run while the system works: a value that changes
// meanwhile is left alone, since it is sealed with the new key then. progress is called after each batch.
func Run(ctx context.Context, db *store.DB, v *vault.Vault, progress func(Report)) ([]Report, error) {
	var all []Report
	for _, c := range Columns() {
		r, err := column(ctx, db, v, c, progress)
		all = append(all, r)
		if err != nil {
			return all, fmt.Errorf("reseal %s: %w", c.Label(), err)
		}
	}
	return all, nil
}

// Left counts the values that another key than the primary one has sealed. While it is above zero,
// no key may be retired.
func Left(ctx context.Context, db *store.DB, v *vault.Vault) (int, error) {
	prefix, total := v.Prefix(), 0
	for _, c := range Columns() {
		name := pgx.Identifier{c.Column}.Sanitize()
		var n int
		err := db.QueryRow(ctx, fmt.Sprintf(`
			SELECT count(*) FROM %[1]s WHERE %[2]s IS NOT NULL AND substring(%[2]s FROM 1 FOR %[3]d) <> $1`,
			pgx.Identifier{c.Table}.Sanitize(), name, len(prefix)), prefix).Scan(&n)
		if err != nil {
			return 0, store.Translate(err)
		}
		total += n
	}
	return total, nil
}

func column(ctx context.Context, db *store.DB, v *vault.Vault, c Column, progress func(Report)) (Report, error) {
	total := Report{Column: c}
	after := ""
	for {
		var r Report
		var found int
		var last string
		err := db.InTx(ctx, func(tx pgx.Tx) (err error) {
			r, found, last, err = step(ctx, tx, v, c, after)
			return err
		})
		if err != nil {
			return total, err
		}
		total.Resealed += r.Resealed
		total.Broken += r.Broken
		if found > 0 && progress != nil {
			progress(total)
		}
		if found < c.batch() {
			return total, nil
		}
		after = last
	}
}

type value struct {
	Key    string
	Sealed []byte
}

// step handles the next rows after a key, in its order. It tells how many it found, and the last key.
func step(ctx context.Context, tx pgx.Tx, v *vault.Vault, c Column, after string) (r Report, found int, last string, err error) {
	table, name, key := pgx.Identifier{c.Table}.Sanitize(), pgx.Identifier{c.Column}.Sanitize(), pgx.Identifier{c.Key}.Sanitize()
	prefix := v.Prefix()
	from, args := "", []any{prefix}
	if after != "" {
		from, args = "AND "+key+" > $2", append(args, after)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		SELECT %[3]s::text, %[2]s FROM %[1]s
		 WHERE %[2]s IS NOT NULL AND substring(%[2]s FROM 1 FOR %[4]d) <> $1 %[5]s
		 ORDER BY %[3]s LIMIT %[6]d`, table, name, key, len(prefix), from, c.batch()), args...)
	if err != nil {
		return r, 0, "", err
	}
	values, err := pgx.CollectRows(rows, pgx.RowToStructByPos[value])
	if err != nil {
		return r, 0, "", err
	}
	update := fmt.Sprintf("UPDATE %[1]s SET %[2]s = $3 WHERE %[3]s = $1 AND %[2]s = $2", table, name, key)
	for _, old := range values {
		last = old.Key
		sealed, err := v.Reseal(old.Sealed, c.Label())
		if err != nil {
			r.Broken++
			continue
		}
		tag, err := tx.Exec(ctx, update, old.Key, old.Sealed, sealed)
		if err != nil {
			return r, 0, "", err
		}
		r.Resealed += int(tag.RowsAffected())
	}
	return r, len(values), last, nil
}
