package placestore

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/school"
	"volcard/internal/store"
)

var branchArea = area[Branch]{
	list:  Branches,
	sheet: branchSheet,
	key:   func(b Branch) string { return b.Code },
	name:  func(b Branch) string { return b.Name },
	load: func(ctx context.Context, q store.Querier, lock string) ([]kept[Branch], error) {
		rows, err := q.Query(ctx, `SELECT `+branchColumns+` FROM branch b ORDER BY b.code `+lock)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (kept[Branch], error) {
			b, err := scanBranch(row)
			return kept[Branch]{row: b, id: b.ID, closed: !b.Open()}, err
		})
	},
	write: func(batch *pgx.Batch, b Branch, id uuid.UUID, at time.Time) {
		batch.Queue(`
			INSERT INTO branch (id, code, name, address, division_code, phone, lng, lat, hours, services,
			                    capacity, demo, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10::text[], '{}'), $11, $12, $13)
			ON CONFLICT (code) DO UPDATE SET
			       name = excluded.name, address = excluded.address, division_code = excluded.division_code,
			       phone = excluded.phone, lng = excluded.lng, lat = excluded.lat, hours = excluded.hours,
			       services = excluded.services, capacity = excluded.capacity, demo = excluded.demo,
			       closed_at = NULL, updated_at = excluded.updated_at`,
			id, b.Code, b.Name, b.Address, b.DivisionCode, b.Phone, b.Position.Lng, b.Position.Lat,
			b.Hours, b.Services, b.Capacity, b.Demo, at)
	},
	closing: `UPDATE branch SET closed_at = $2, updated_at = $2 WHERE code = ANY ($1) AND closed_at IS NULL`,
	stranded: `SELECT count(*) FROM application a JOIN branch b ON b.id = a.branch_id
		WHERE b.code = ANY ($1) AND a.closed_at IS NULL`,
}

var universityArea = area[school.University]{
	list:  Universities,
	sheet: universitySheet,
	key:   func(u school.University) string { return u.Code },
	name:  func(u school.University) string { return u.Name },
	load: func(ctx context.Context, q store.Querier, lock string) ([]kept[school.University], error) {
		rows, err := q.Query(ctx, `SELECT `+universityColumns+`, closed_at IS NOT NULL
			FROM university ORDER BY code `+lock)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k kept[school.University], err error) {
			u := &k.row
			err = row.Scan(&u.Code, &u.Name, &u.ShortNames, &u.FormerNames, &u.Initials, &u.CityCode, &u.Level, &k.closed)
			return k, err
		})
	},
	write: func(batch *pgx.Batch, u school.University, _ uuid.UUID, at time.Time) {
		batch.Queue(`
			INSERT INTO university (code, name, short_names, former_names, initials, city_code, level, updated_at)
			VALUES ($1, $2, coalesce($3::text[], '{}'), coalesce($4::text[], '{}'), $5, $6, $7, $8)
			ON CONFLICT (code) DO UPDATE SET
			       name = excluded.name, short_names = excluded.short_names, former_names = excluded.former_names,
			       initials = excluded.initials, city_code = excluded.city_code, level = excluded.level,
			       closed_at = NULL, updated_at = excluded.updated_at`,
			u.Code, u.Name, u.ShortNames, u.FormerNames, u.Initials, u.CityCode, u.Level, at)
	},
	closing: `UPDATE university SET closed_at = $2, updated_at = $2 WHERE code = ANY ($1) AND closed_at IS NULL`,
}
