// Package consent is the catalogue of what a person is asked to agree to: each purpose apart,
// with its recipient named and the version of its text (PIPL 14, 17, 23, 29). Pages show the
// catalogue, stores keep which version was given, and rules ask here what is missing.
package consent

import (
	"slices"

	"volcard/internal/card"
)

// Purpose is one thing that data is used for. A consent to one says nothing about another.
type Purpose string

// The purposes. Bank, Platform and Association are the three parties of 鄂青联发〔2018〕14号.
const (
	Terms       Purpose = "terms"
	Privacy     Purpose = "privacy"
	Sensitive   Purpose = "sensitive-data"
	Photo       Purpose = "photo"
	Guardian    Purpose = "guardian"
	Association Purpose = "association"
	Bank        Purpose = "bank"
	Factory     Purpose = "factory"
	Platform    Purpose = "platform"
)

// Item is one entry of the catalogue in its version in force.
type Item struct {
	Purpose   Purpose
	Version   string
	Title     string
	Recipient string
	// Text is what the person agrees to, in plain words.
	Text string
	// Withdrawn says what follows when the consent is taken back.
	Withdrawn string
	// Register: without it nobody can register. Card: without it no card can be applied for.
	// Regular: without it no regular card can be, and no other is asked for it. An item with none of
	// them is offered and may be left alone (PIPL 16: a service must not be refused for a consent that
	// it does not need).
	Register, Card, Regular bool
	// Minor: asked of people of 14 to 17 only, and answered by their guardian.
	Minor bool
}

// Key is the form in which rules are told what was given: "purpose@version".
func (i Item) Key() string { return string(i.Purpose) + "@" + i.Version }

// Needs tells whether a card of this edition cannot be applied for without the item. What registering
// needs, the card needs as well: it may have been taken back since.
func (i Item) Needs(e card.Edition) bool {
	return i.Register || i.Card || (i.Regular && e == card.Regular)
}

// The operator of this system, as the texts name it.
const operator = "湖北省志愿者协会"

// items is the catalogue. Changing a text means a new version, and whoever applies is asked again.
var items = []Item{
	{
		Purpose: Terms, Version: "2026-11", Title: "用户协议", Recipient: operator, Register: true,
		Text:      "我按本人真实身份注册，自愿申领和使用志愿者证，妥善保管密码和验证码，不转借、不冒用。",
		Withdrawn: "撤回后不能再办理新的申请；已办理的事项不受影响。",
	},
	{
		Purpose: Privacy, Version: "2026-11", Title: "个人信息处理规则", Recipient: operator, Register: true,
		Text:      "为完成注册、登录、申领和查询，处理我的姓名、手机号、注册地址和办理记录；只保存到办理目的实现和法定期限届满为止，我可以随时查询、更正、导出或要求删除。",
		Withdrawn: "撤回后不能再办理新的申请；法律要求保存的记录期满后删除。",
	},
	{
		Purpose: Sensitive, Version: "2026-11", Title: "敏感个人信息（身份证号码）的处理", Recipient: operator, Register: true, Card: true,
		Text:      "为核对本人身份、保证一人一证，单独同意处理我的身份证号码。号码加密保存，页面和短信中不显示全号。",
		Withdrawn: "撤回后不能再申领志愿者证；已签发的证件不受影响。",
	},
	{
		Purpose: Photo, Version: "2026-11-24", Title: "敏感个人信息（照片）的处理", Recipient: operator, Regular: true,
		Text:      "为制作常规版志愿者证，单独同意处理我的照片：由系统检查，必要时由照片审核员查看，显示在电子证上，印在实体卡上，领卡时由柜员与本人核对。照片加密保存。",
		Withdrawn: "撤回后不能再申领常规版；还没有进入制卡批次的卡不再制作，已进入批次的不受影响。",
	},
	{
		Purpose: Guardian, Version: "2026-11", Title: "监护人同意", Recipient: operator, Minor: true,
		Text:      "我是该未成年人的监护人，已阅读上述各项，同意其注册为志愿者、申领志愿者证，并同意处理其个人信息和我的姓名、电话。",
		Withdrawn: "撤回后，未满 18 周岁者不能再办理新的申请。",
	},
	{
		Purpose: Association, Version: "2026-11", Title: "向省志愿者协会提供信息", Recipient: "湖北省志愿者协会", Card: true,
		Text:      "为签发和管理志愿者证，向湖北省志愿者协会提供我的姓名、身份证号码、志愿者编号、所在单位和证件状态。",
		Withdrawn: "撤回后不能再申领志愿者证；已签发的证件不受影响。",
	},
	{
		Purpose: Bank, Version: "2026-11-24", Title: "向领卡银行提供信息", Recipient: "招商银行股份有限公司武汉分行", Card: true,
		Text:      "为在我选择的网点领取卡片，向招商银行武汉分行提供我的姓名、身份证号码后四位、个人身份、所在单位、证号、取卡码和申请编号，常规版另含照片。不提供也不收集任何银行账户信息。",
		Withdrawn: "撤回后网点不能为您发卡，重新同意后可以继续领卡；电子证不受影响。",
	},
	{
		Purpose: Factory, Version: "2026-11-24", Title: "向制卡厂提供信息", Recipient: "制卡厂（受" + operator + "委托）", Regular: true,
		Text:      "为制作常规版实体卡，向制卡厂提供我的姓名、照片、证号、志愿者编号和领卡网点。制卡文件在批次完成后删除。",
		Withdrawn: "撤回后不能再申领常规版；还没有进入制卡批次的卡不再制作，已进入批次的不受影响。",
	},
	{
		Purpose: Platform, Version: "2026-11", Title: "向志愿汇平台提供信息（可选）", Recipient: "志愿汇平台运营方",
		Text:      "为记录志愿服务时数和享受激励，向志愿汇平台提供我的姓名、志愿者编号和证件状态。不同意不影响申领。",
		Withdrawn: "撤回后不再向志愿汇平台提供信息；证件不受影响。",
	},
}

// All returns the catalogue in the order in which pages show it.
func All() []Item { return slices.Clone(items) }

// Lookup returns the item of a purpose in its version in force.
func Lookup(p Purpose) (Item, bool) {
	i := slices.IndexFunc(items, func(it Item) bool { return it.Purpose == p })
	if i < 0 {
		return Item{}, false
	}
	return items[i], true
}

// ForRegistration lists what the registration form asks of a person: what is needed, by itself.
func ForRegistration(minor bool) []Item {
	return where(func(i Item) bool { return i.Register || (minor && i.Minor) })
}

// ForCard lists what a card of this edition asks for, and what may be added freely.
func ForCard(e card.Edition) []Item {
	return where(func(i Item) bool {
		free := !i.Register && !i.Card && !i.Regular && !i.Minor
		return free || i.Card || (i.Regular && e == card.Regular)
	})
}

// MissingNow lists the consents that the rest of a case needs and that are not among the given purposes.
func MissingNow(e card.Edition, state card.State, given []string) (missing []Item) {
	var needs []Purpose
	switch state {
	case card.Ready, card.Lapsed:
		needs = []Purpose{Bank}
	case card.Held, card.Reviewing, card.Mending, card.Waiting:
		if e == card.Regular {
			needs = []Purpose{Photo, Factory}
		}
	default:
	}
	for _, item := range items {
		if slices.Contains(needs, item.Purpose) && !slices.Contains(given, string(item.Purpose)) {
			missing = append(missing, item)
		}
	}
	return missing
}

// Titles are the titles of items.
func Titles(items []Item) (titles []string) {
	for _, item := range items {
		titles = append(titles, item.Title)
	}
	return titles
}

// MissingForRegistration names what a person must still agree to; none means ready.
func MissingForRegistration(given []Purpose, minor bool) []string {
	var missing []string
	for _, i := range ForRegistration(minor) {
		if !slices.Contains(given, i.Purpose) {
			missing = append(missing, i.Title)
		}
	}
	return missing
}

// MissingForCard names the consents that a card of this edition needs and that are not among the given
// ones (Item.Key of the open consents). An older version does not count: its text was another. A
// guardian's consent is no matter of this list; the age rule asks for it.
func MissingForCard(given []string, e card.Edition) []string {
	var missing []string
	for _, i := range items {
		if i.Needs(e) && !slices.Contains(given, i.Key()) {
			missing = append(missing, i.Title)
		}
	}
	return missing
}

func where(keep func(Item) bool) []Item {
	var out []Item
	for _, i := range items {
		if keep(i) {
			out = append(out, i)
		}
	}
	return out
}
