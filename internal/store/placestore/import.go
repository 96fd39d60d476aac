package placestore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
	"volcard/internal/store"
)

// List names one of the two lists.
type List string

// The lists, named as in list_import.list.
const (
	Branches     List = "branch"
	Universities List = "university"
)

// Ways in which an import changes a row.
const (
	Added    = "added"
	Changed  = "changed"
	Reopened = "reopened" // was closed, is listed again; counts as changed
	Closed   = "closed"   // is no longer listed; the row stays
)

// Change is one row that an import changes.
type Change struct {
	Kind   string
	Code   string
	Name   string
	Fields []Field // the columns that differ, for Changed and Reopened
}

// Field is a column that an import changes.
type Field struct{ Name, Old, New string }

// Summary is what an import would do, or did.
type Summary struct {
	List      List
	SHA256    string // of the file, hex: what was looked at is what is applied
	Rows      int
	Open      int // rows of the list before it
	Added     int
	Changed   int
	Closed    int
	Unchanged int
	// Stranded counts the live applications whose branch would close. They are not touched:
	// whoever imports decides what becomes of them.
	Stranded int
	Changes  []Change
	Errors   []RowError // where there are any, nothing is applied
}

// HoursChanged reports whether a branch has other hours: cards may wait there until a day on which it is closed.
func (s Summary) HoursChanged() bool {
	return slices.ContainsFunc(s.Changes, func(c Change) bool {
		return slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Name == columnHours })
	})
}

// ClosesMany reports whether more than a tenth of the list would close: perhaps the file is a part of it only.
func (s Summary) ClosesMany() bool {
	const part = 10
	return s.Closed*part > s.Open
}

// Importer is who imports. StaffID is zero for an operator or the seed.
type Importer struct {
	Actor   store.Actor
	StaffID uuid.UUID
}

// DryRun tells every fault of the file, and what Apply would change now.
func (s Store) DryRun(ctx context.Context, list List, file []byte) (Summary, error) {
	switch list {
	case Branches:
		p, err := prepare(ctx, s.q, branchArea, file, "")
		return p.Summary, err
	case Universities:
		p, err := prepare(ctx, s.q, universityArea, file, "")
		return p.Summary, err
	}
	return Summary{}, unknownList(list)
}

// applyTime bounds each statement of an import: it concerns a whole list.
const applyTime = time.Minute

// Apply replaces a list by the file: in one transaction, or not at all. Rows that the file does
// not name are closed, never deleted. A file with faults is refused whole, with the faults in the
// summary. The same file a second time changes nothing.
func Apply(ctx context.Context, db *store.DB, list List, file []byte, by Importer, at time.Time) (Summary, error) {
	var sum Summary
	ctx = store.Allow(ctx, applyTime)
	err := db.InTx(ctx, func(tx pgx.Tx) (err error) {
		sum, err = ApplyTx(ctx, tx, list, file, by, at)
		return err
	})
	return sum, err
}

// ApplyTx is Apply inside the caller's transaction.
func ApplyTx(ctx context.Context, tx pgx.Tx, list List, file []byte, by Importer, at time.Time) (Summary, error) {
	switch list {
	case Branches:
		return apply(ctx, tx, branchArea, file, by, at)
	case Universities:
		return apply(ctx, tx, universityArea, file, by, at)
	}
	return Summary{}, unknownList(list)
}

// Export writes the open rows of a list as a file that Apply reads, to edit and import again.
func (s Store) Export(ctx context.Context, list List) ([]byte, error) {
	switch list {
	case Branches:
		return export(ctx, s.q, branchArea)
	case Universities:
		return export(ctx, s.q, universityArea)
	}
	return nil, unknownList(list)
}

func unknownList(list List) error {
	return fault.Newf(fault.Invalid, "没有名为 %s 的名单。", list)
}

// area binds a sheet to its table.
type area[R any] struct {
	list  List
	sheet sheet[R]
	key   func(R) string
	name  func(R) string
	// load reads every row, closed ones too; lock is "" or a locking clause.
	load func(ctx context.Context, q store.Querier, lock string) ([]kept[R], error)
	// write inserts or overwrites a row and opens it.
	write func(b *pgx.Batch, row R, id uuid.UUID, at time.Time)
	// closing closes the rows of these codes.
	closing string
	// stranded counts what hangs on the rows of these codes; "" where nothing does.
	stranded string
}

// kept is a row of the table. id is set for branches only.
type kept[R any] struct {
	row    R
	id     uuid.UUID
	closed bool
}

// plan is a summary with the rows it speaks of.
type plan[R any] struct {
	Summary
	write   []kept[R] // to insert or overwrite; id is zero for a new row
	gone    []kept[R] // to close
	changed []string  // codes of open rows in write
}

func prepare[R any](ctx context.Context, q store.Querier, a area[R], file []byte, lock string) (plan[R], error) {
	sum := sha256.Sum256(file)
	p := plan[R]{Summary: Summary{List: a.list, SHA256: hex.EncodeToString(sum[:])}}
	rows, faults, err := a.sheet.parse(file)
	if err != nil {
		return p, err
	}
	p.Rows, p.Errors = len(rows), faults
	if len(faults) > 0 {
		return p, nil
	}
	present, err := a.load(ctx, q, lock)
	if err != nil {
		return p, store.Translate(err)
	}
	p.compare(a, present, rows)
	if a.stranded != "" && len(p.gone) > 0 {
		if err := q.QueryRow(ctx, a.stranded, codes(a, p.gone)).Scan(&p.Stranded); err != nil {
			return p, store.Translate(err)
		}
	}
	return p, nil
}

func (p *plan[R]) compare(a area[R], present []kept[R], rows []R) {
	byCode := make(map[string]kept[R], len(present))
	for _, k := range present {
		byCode[a.key(k.row)] = k
	}
	listed := make(map[string]bool, len(rows))
	for _, row := range rows {
		code := a.key(row)
		listed[code] = true
		old, ok := byCode[code]
		change := Change{Code: code, Name: a.name(row)}
		switch fields := a.sheet.differ(old.row, row); {
		case !ok:
			change.Kind = Added
			p.Added++
		case old.closed:
			change.Kind, change.Fields = Reopened, fields
			p.Changed++
		case len(fields) > 0:
			change.Kind, change.Fields = Changed, fields
			p.Changed++
			p.changed = append(p.changed, code)
		default:
			p.Unchanged++
			continue
		}
		p.Changes = append(p.Changes, change)
		p.write = append(p.write, kept[R]{row: row, id: old.id})
	}
	for _, k := range present {
		if !k.closed {
			p.Open++
		}
		if !k.closed && !listed[a.key(k.row)] {
			p.Closed++
			p.Changes = append(p.Changes, Change{Kind: Closed, Code: a.key(k.row), Name: a.name(k.row)})
			p.gone = append(p.gone, k)
		}
	}
}

// differ names the columns in which two rows differ.
func (s sheet[R]) differ(a, b R) []Field {
	var out []Field
	for _, c := range s.columns {
		if was, is := c.get(a), c.get(b); was != is {
			out = append(out, Field{c.name, was, is})
		}
	}
	return out
}

func codes[R any](a area[R], rows []kept[R]) []string {
	out := make([]string, len(rows))
	for i, k := range rows {
		out[i] = a.key(k.row)
	}
	return out
}

func apply[R any](ctx context.Context, tx pgx.Tx, a area[R], file []byte, by Importer, at time.Time) (Summary, error) {
	if err := lockList(ctx, tx, a.list); err != nil {
		return Summary{}, err
	}
	p, err := prepare(ctx, tx, a, file, "FOR NO KEY UPDATE")
	if err != nil {
		return p.Summary, err
	}
	if n := len(p.Errors); n > 0 {
		return p.Summary, fault.Newf(fault.Invalid, "文件有 %d 处错误，没有导入任何一行。", n)
	}
	// Rows that are closed or changed leave the open ones first, so that names can move between codes.
	if _, err := tx.Exec(ctx, a.closing, append(codes(a, p.gone), p.changed...), at); err != nil {
		return p.Summary, store.Translate(err)
	}
	batch := &pgx.Batch{}
	for i := range p.write {
		k := &p.write[i]
		if k.id.IsNil() {
			k.id = uuid.Must(uuid.NewV7())
		}
		a.write(batch, k.row, k.id, at)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return p.Summary, store.Translate(err)
	}
	return p.Summary, record(ctx, tx, p.Summary, by, at)
}

// lockList lets one import of a list run at a time: the second waits, and then compares with what
// the first left.
func lockList(ctx context.Context, tx pgx.Tx, list List) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, "list_import:"+string(list))
	return store.Translate(err)
}

// record writes the import itself, and its audit entry. One entry stands for all rows: it names
// the file by its hash, and the rows' states follow from the files in their order.
func record(ctx context.Context, tx pgx.Tx, s Summary, by Importer, at time.Time) error {
	id := uuid.Must(uuid.NewV7())
	sum, err := hex.DecodeString(s.SHA256)
	if err != nil {
		return fmt.Errorf("import hash: %w", err)
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO list_import (id, list, staff_id, sha256, added, changed, closed, at)
		VALUES ($1, $2, nullif($3, '00000000-0000-0000-0000-000000000000'::uuid), $4, $5, $6, $7, $8)`,
		id, string(s.List), by.StaffID, sum, s.Added, s.Changed, s.Closed, at); err != nil {
		return store.Translate(err)
	}
	return store.Audit(ctx, tx, store.AuditEntry{
		SubjectKind: "list", SubjectID: id, At: at, Actor: by.Actor, Action: "imported",
		Detail: map[string]any{
			"list": string(s.List), "sha256": s.SHA256, "rows": s.Rows,
			"added": s.Added, "changed": s.Changed, "closed": s.Closed, "stranded": s.Stranded,
		},
	})
}

func export[R any](ctx context.Context, q store.Querier, a area[R]) ([]byte, error) {
	present, err := a.load(ctx, q, "")
	if err != nil {
		return nil, store.Translate(err)
	}
	var rows []R
	for _, k := range present {
		if !k.closed {
			rows = append(rows, k.row)
		}
	}
	return a.sheet.write(rows)
}
