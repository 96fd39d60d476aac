package person

import (
	"errors"
	"slices"
	"strings"

	"volcard/internal/fault"
)

// Ages at which the rules change. 注册志愿者管理办法: volunteers register from 14, below 18 with a
// guardian's consent. Below 14 PIPL 28 and 31 make all data of a child sensitive.
const (
	AgeToRegister = 14
	AgeOfMajority = 18
)

// AgeRule tells every reason why a person of this age may not register; none means yes.
func AgeRule(age int, hasGuardian bool) []string {
	switch {
	case age < AgeToRegister:
		reasons := []string{"未满 14 周岁暂不能注册为志愿者。"}
		if !hasGuardian {
			reasons = append(reasons, "年满 14 周岁后注册，须填写监护人并由监护人同意。")
		}
		return reasons
	case age < AgeOfMajority && !hasGuardian:
		return []string{"未满 18 周岁须填写监护人并由监护人同意。"}
	}
	return nil
}

// NeedsGuardian tells whether the registration form asks for a guardian at this age.
func NeedsGuardian(age int) bool { return age >= AgeToRegister && age < AgeOfMajority }

// Guardian is who consents for a person of 14 to 17.
type Guardian struct {
	Name     Name   `json:"name"`
	Relation string `json:"relation"`
	Phone    Phone  `json:"phone"`
}

// Relations are the guardians that 民法典 27 names, in its order.
func Relations() []string {
	return []string{"父亲", "母亲", "祖父母", "外祖父母", "兄姐", "其他监护人"}
}

// IsZero tells whether there is no guardian.
func (g Guardian) IsZero() bool { return g == Guardian{} }

// ParseGuardian reads the three fields and returns every fault, keyed by the field's name
// (name, relation, phone); the map is empty where there is none.
func ParseGuardian(name, relation, phone string) (Guardian, map[string]string) {
	faults := map[string]string{}
	var g Guardian
	var err error
	if g.Name, err = ParseName(name); err != nil {
		faults["name"] = "监护人：" + sentence(err)
	}
	if g.Relation = strings.TrimSpace(relation); !slices.Contains(Relations(), g.Relation) {
		faults["relation"] = "请选择监护人与您的关系。"
	}
	if g.Phone, err = ParsePhone(phone); err != nil {
		faults["phone"] = "监护人：" + sentence(err)
	}
	if len(faults) > 0 {
		return Guardian{}, faults
	}
	return g, faults
}

func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Msg
	}
	return ""
}
