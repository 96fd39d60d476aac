package card

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/person"
	"volcard/internal/typed"
)

// NoticeVersion is the version of the reading notice (阅读须知) that an applicant ticks.
const NoticeVersion = "2026-11"

// phoneProofLife is how long a verified phone stays good for a submission.
const phoneProofLife = 24 * time.Hour

// Draft is what the wizard saves after every step. Every field may be empty.
type Draft struct {
	Edition         Edition   `json:"edition,omitempty"`
	Identity        Identity  `json:"identity,omitempty"`
	PhotoID         uuid.UUID `json:"photo_id,omitzero"` // regular only, as Face
	Face            string    `json:"face,omitempty"`
	NoticeVersion   string    `json:"notice_version,omitempty"`
	Phone           string    `json:"phone,omitempty"`
	PhoneVerifiedAt time.Time `json:"phone_verified_at,omitzero"`
	UniversityCode  string    `json:"university_code,omitempty"`
	UnitName        string    `json:"unit_name,omitempty"`
	DivisionCode    string    `json:"division_code,omitempty"`
	Address         string    `json:"address,omitempty"`
	BranchID        uuid.UUID `json:"branch_id,omitzero"`
}

// Facts is what the rules need to know beside the draft. The store reads all of it at once.
type Facts struct {
	Now             time.Time
	HolderName      string
	Age             int      // 周岁 on Now's day
	HasGuardian     bool     // a guardian is stored, and the consent to the text in force stands
	Blocked         bool     // the account is blocked
	MissingConsents []string // names of consents that the card needs and that are not given
	LiveApplication string   // its number; empty where there is none
	ValidCard       bool
	UniversityName  string // of Draft.UniversityCode; empty where it is not an open university of Hubei
	DivisionKnown   bool   // Draft.DivisionCode is a district, or a city without districts
	Restores        int    // how often the database was restored on Now's day: the block of application numbers
	BranchKnown     bool
	BranchOpen      bool
	BranchStock     bool // at least one free general card lies there

	// Of the regular edition only.
	PhotoKnown  bool     // Draft.PhotoID is a photo of this person that nobody refused
	FaceOffered bool     // Draft.Face may be chosen
	DesignHash  [32]byte // of the preview's display list; zero while photo or face are missing
}

// Reason is one rule that a draft breaks: the field of the form it belongs to, and a sentence.
type Reason struct {
	Field string
	Text  string
}

// Steps of the wizard, by the fields whose reasons send the applicant back to them.
const (
	FieldEdition    = "edition"
	FieldIdentity   = "identity"
	FieldPhoto      = "photo"
	FieldFace       = "face"
	FieldNotice     = "notice"
	FieldPhone      = "phone"
	FieldUniversity = "university_code"
	FieldUnit       = "unit_name"
	FieldDivision   = "division_code"
	FieldAddress    = "address"
	FieldBranch     = "branch_id"
	FieldConsent    = "consent"
	FieldPerson     = "person"
)

// CheckSubmission returns every reason against submitting the draft, none where it may be
// submitted. The pages warn with it, the store refuses with it.
func CheckSubmission(d Draft, f Facts) []Reason {
	var reasons []Reason
	no := func(field, text string) { reasons = append(reasons, Reason{field, text}) }

	if f.Blocked {
		no(FieldPerson, "该账号已被停用，请联系省志愿者协会。")
	}
	for _, text := range person.AgeRule(f.Age, f.HasGuardian) {
		no(FieldPerson, text)
	}
	if f.LiveApplication != "" {
		no(FieldPerson, "您已有一份正在办理的申请（"+f.LiveApplication+"），不能重复申请。")
	}
	if f.ValidCard {
		no(FieldPerson, "您已持有有效的志愿者证，不能重复申请。")
	}
	for _, name := range f.MissingConsents {
		no(FieldConsent, "需要您单独同意："+name+"。")
	}

	switch {
	case d.Edition == "":
		no(FieldEdition, "请选择志愿者证的版式。")
	case !d.Edition.Offered():
		no(FieldEdition, "没有这种版式，请重新选择。")
	}
	if d.Identity.Text() == "" {
		no(FieldIdentity, "请选择个人身份。")
	}
	reasons = append(reasons, checkDesign(d, f)...)
	if d.NoticeVersion != NoticeVersion {
		no(FieldNotice, "请阅读并勾选阅读须知。")
	}
	switch {
	case d.Phone == "" || d.PhoneVerifiedAt.IsZero():
		no(FieldPhone, "请填写手机号并完成验证码验证。")
	case f.Now.Sub(d.PhoneVerifiedAt) > phoneProofLife:
		no(FieldPhone, "手机号的验证已超过24小时，请重新验证。")
	}
	reasons = append(reasons, checkUnit(d, f)...)
	if !f.DivisionKnown {
		no(FieldDivision, "请选择单位所在的省、市、区。")
	}
	switch n, wrong := utf8.RuneCountInString(typed.Trim(d.Address)), typed.RefuseText(d.Address); {
	case n < 2:
		no(FieldAddress, "请填写单位的详细地址。")
	case n > 100:
		no(FieldAddress, "详细地址最多100个字。")
	case wrong != "":
		no(FieldAddress, "详细地址"+wrong)
	}
	switch {
	case d.BranchID.IsNil() || !f.BranchKnown:
		no(FieldBranch, "请选择领卡网点。")
	case !f.BranchOpen:
		no(FieldBranch, "所选网点已停止办理，请另选一个网点。")
	case d.Edition != Regular && !f.BranchStock:
		no(FieldBranch, "所选网点的通用版卡片刚刚领完，请另选一个网点。")
	}
	return reasons
}

// checkDesign: a regular card carries a photo and a face that its applicant chose (notice, 附件3 §二(三)).
func checkDesign(d Draft, f Facts) []Reason {
	if d.Edition != Regular {
		return nil
	}
	var reasons []Reason
	switch {
	case d.PhotoID.IsNil():
		reasons = append(reasons, Reason{FieldPhoto, "请添加个人照片。"})
	case !f.PhotoKnown:
		reasons = append(reasons, Reason{FieldPhoto, "这张照片已不可用，请重新添加。"})
	}
	switch {
	case d.Face == "":
		reasons = append(reasons, Reason{FieldFace, "请选择卡面。"})
	case !f.FaceOffered:
		reasons = append(reasons, Reason{FieldFace, "所选卡面已经停用，请另选一款。"})
	}
	return reasons
}

// checkUnit: students can only pick a university of Hubei, others type freely (notice, 附件3 §二(五)1).
func checkUnit(d Draft, f Facts) []Reason {
	if d.Identity == Student {
		switch {
		case d.UniversityCode == "":
			return []Reason{{FieldUniversity, "学生志愿者请输入关键字，从列表中选择湖北省内高校。"}}
		case f.UniversityName == "":
			return []Reason{{FieldUniversity, "所选学校不在湖北省内高校名单中，请重新选择。"}}
		}
		return nil
	}
	switch n, wrong := utf8.RuneCountInString(typed.Trim(d.UnitName)), typed.RefuseText(d.UnitName); {
	case n < 2:
		return []Reason{{FieldUnit, "请填写所在单位，至少2个字。"}}
	case n > 60:
		return []Reason{{FieldUnit, "单位名称最多60个字。"}}
	case wrong != "":
		return []Reason{{FieldUnit, "单位名称" + wrong}}
	}
	return nil
}

// Unit is the unit's name as it is stored and shown.
func (d Draft) Unit(f Facts) string {
	if d.Identity == Student {
		return f.UniversityName
	}
	return strings.TrimSpace(d.UnitName)
}

// ContentHash names what the preview showed. The form carries it, and the submission refuses a
// draft that has changed since: nobody submits what was not seen (requirements, decision 1).
func ContentHash(d Draft, f Facts) [32]byte {
	h := sha256.New()
	parts := []string{
		"volcard-submission-1", f.HolderName, string(d.Edition), string(d.Identity), d.NoticeVersion, d.Phone,
		d.UniversityCode, d.Unit(f), d.DivisionCode, strings.TrimSpace(d.Address), d.BranchID.String(),
	}
	if d.Edition == Regular {
		parts = append(parts, d.PhotoID.String(), d.Face, string(f.DesignHash[:]))
	}
	for _, part := range parts {
		// The length keeps two neighbouring fields from trading letters.
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return [32]byte(h.Sum(nil))
}
