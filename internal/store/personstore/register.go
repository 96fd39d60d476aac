package personstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/place"
	"volcard/internal/store"
	"volcard/internal/typed"
)

// People makes and finds accounts.
type People struct{ Store }

// NewPerson is what the registration form has collected. The phone was proved by a code.
type NewPerson struct {
	Name         person.Name
	IDNumber     person.IDNumber
	Phone        person.Phone
	DivisionCode string
	Address      string
	Password     string
	Guardian     person.Guardian // zero for adults
	Consents     []consent.Purpose
}

// Reason is one rule that a registration breaks, and the field of the form it belongs to.
type Reason struct {
	Field string
	Text  string
}

// addressMax is the length of an address in characters.
const addressMax = 100

// Check returns every reason why the person may not register, none where the form is complete.
// The pages ask it before they send a code; Register refuses with it.
func (s People) Check(n NewPerson) []Reason {
	var reasons []Reason
	no := func(field, text string) { reasons = append(reasons, Reason{field, text}) }
	if text := n.Name.CheckDocument(n.IDNumber); text != "" {
		no("name", text)
	}
	age := n.IDNumber.Age(s.Clock.Now())
	if text := n.IDNumber.CheckBorn(s.Clock.Now()); text != "" {
		no("id_number", text)
		return reasons // what depends on the age would be said of nobody
	}
	for _, text := range person.AgeRule(age, !n.Guardian.IsZero()) {
		no("id_number", text)
	}
	if !place.IsDistrict(n.DivisionCode) {
		no("division_code", "请选择注册地址所在的省、市、区。")
	}
	switch l, wrong := utf8.RuneCountInString(typed.Trim(n.Address)), typed.RefuseText(n.Address); {
	case l < 2:
		no("address", "请填写详细地址。")
	case l > addressMax:
		no("address", "详细地址最多 100 个字。")
	case wrong != "":
		no("address", "详细地址"+wrong)
	}
	for _, text := range person.CheckPassword(n.Password, n.IDNumber, n.Phone) {
		no("password", text)
	}
	for _, title := range consent.MissingForRegistration(n.Consents, person.NeedsGuardian(age)) {
		no("consent", "需要您同意："+title+"。")
	}
	return reasons
}

// volunteerTries bounds the drawing of a number that is taken; with 32^10 of them one try does.
const volunteerTries = 5

// Register makes the account with its consents and returns its id. The ID number decides: a
// second registration is a Conflict that says no more than the person needs.
func (s People) Register(ctx context.Context, n NewPerson) (uuid.UUID, error) {
	if reasons := s.Check(n); len(reasons) > 0 {
		return uuid.Nil, fault.New(fault.Invalid, reasons[0].Text)
	}
	hash, err := s.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return uuid.Nil, err
	}
	for range volunteerTries {
		var id uuid.UUID
		err = s.DB.InTx(ctx, func(tx pgx.Tx) (err error) {
			id, err = s.insert(ctx, tx, n, hash)
			return err
		})
		switch {
		case err == nil:
			return id, nil
		case store.IsUnique(err, "person_volunteer_no_key"):
			continue
		case store.IsUnique(err, "person_id_index_key"):
			return uuid.Nil, fault.Wrap(fault.Conflict, err, "无法用这个身份证号码注册。如果您已经注册过，请直接登录，忘记密码可以找回。")
		}
		return uuid.Nil, err
	}
	return uuid.Nil, fmt.Errorf("personstore: volunteer number: %w", err)
}

func (s People) insert(ctx context.Context, tx pgx.Tx, n NewPerson, hash string) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("personstore: %w", err)
	}
	number, err := drawVolunteerNo()
	if err != nil {
		return id, err
	}
	idNumber, err := s.Vault.SealString(n.IDNumber.String(), LabelIDNumber)
	if err != nil {
		return id, err
	}
	phone, err := s.Vault.SealString(n.Phone.String(), LabelPhone)
	if err != nil {
		return id, err
	}
	address, err := s.Vault.SealString(typed.Text(n.Address), LabelAddress)
	if err != nil {
		return id, err
	}
	now := s.Clock.Now()
	var guardian []byte
	// An adult's guardian is data that nobody needs.
	if person.NeedsGuardian(n.IDNumber.Age(now)) {
		if guardian, err = s.sealGuardian(n.Guardian); err != nil {
			return id, err
		}
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO person (id, name, id_number, id_index, phone, phone_index, division_code, address,
		  volunteer_no, password_hash, guardian, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		id, n.Name.String(), idNumber, s.idIndex(n.IDNumber), phone, s.phoneIndex(n.Phone), n.DivisionCode, address,
		number, hash, guardian, now)
	if err != nil {
		return id, err
	}
	if err := s.audit(ctx, tx, id, store.Person(id), "register", now, nil); err != nil {
		return id, err
	}
	return id, Consents(s).give(ctx, tx, id, n.Consents, now)
}

// crockford has neither I, L, O nor U: a number read out over the telephone is one number.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// drawVolunteerNo makes the opaque number of a volunteer: V and ten random characters. Its
// official format is not public, so it says nothing (domain.md, "Hours").
func drawVolunteerNo() (string, error) {
	raw := make([]byte, 10)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("personstore: %w", err)
	}
	for i, b := range raw {
		raw[i] = crockford[int(b)%len(crockford)]
	}
	return "V" + string(raw), nil
}

// ByID returns a person as pages show one.
func (s People) ByID(ctx context.Context, id uuid.UUID) (Profile, error) {
	p, err := s.byID(ctx, s.DB, id)
	if err != nil {
		return Profile{}, err
	}
	return s.profile(p)
}

// ByIDNumber returns the person with this number; NotFound where nobody has it.
func (s People) ByIDNumber(ctx context.Context, id person.IDNumber) (Profile, error) {
	p, err := scan(s.DB.QueryRow(ctx, "SELECT "+columns+" FROM person WHERE id_index = $1", s.idIndex(id)))
	if err != nil {
		return Profile{}, err
	}
	return s.profile(p)
}

// Reveal returns the full numbers. Whoever is not the person leaves an entry with the reason in
// the person's chain, so that the person can see who looked.
func (s People) Reveal(ctx context.Context, id uuid.UUID, actor store.Actor, why string) (Private, error) {
	var out Private
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		p, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if out, err = s.private(p); err != nil {
			return err
		}
		if actor == store.Person(id) {
			return nil
		}
		return s.audit(ctx, tx, id, actor, "reveal", s.Clock.Now(), map[string]any{"why": why})
	})
	if err != nil {
		return Private{}, err
	}
	return out, nil
}

// BoundPhone is where codes of an existing account go: for Reset, by the ID number that was
// typed. Both are zero where there is no such account; the caller goes on all the same.
func (s People) BoundPhone(ctx context.Context, id person.IDNumber) (uuid.UUID, person.Phone, error) {
	p, err := scan(s.DB.QueryRow(ctx, "SELECT "+columns+" FROM person WHERE id_index = $1", s.idIndex(id)))
	if fault.Is(err, fault.NotFound) {
		return uuid.Nil, person.Phone{}, nil
	}
	if err != nil {
		return uuid.Nil, person.Phone{}, err
	}
	private, err := s.private(p)
	return p.ID, private.Phone, err
}
