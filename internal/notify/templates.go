package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"volcard/internal/clock"
)

// Signature stands before every text; the gateways ask for one and have approved it.
const Signature = "【湖北志愿者证】"

// Template is one kind of message: its text, and the parameters in the order in which a gateway
// numbers them. No text holds an ID number or a whole name.
type Template struct {
	Name   string
	Params []string
	Text   string
	// Fresh is how old a message may be when it is sent; zero: any age.
	Fresh time.Duration
	// Once: never sent again when the outcome of a send is unknown, and not kept afterwards.
	Once bool
	// Daytime: it answers nothing that the person has just done, and waits for the morning.
	Daytime bool
}

// codeFresh leaves a code a minute of its five to be typed in.
const codeFresh = 4 * time.Minute

func code(purpose, what string) Template {
	return Template{
		Name: "code-" + purpose, Params: []string{"code"}, Fresh: codeFresh, Once: true,
		Text: "验证码{code}，用于" + what + "，5分钟内有效。请勿告诉任何人，工作人员不会索取。",
	}
}

// Last days as the texts name them: the day itself still counts.
const (
	until = "{until}（" + clock.Inclusive + "）"
	by    = "{by}（" + clock.Inclusive + "）"
)

// templates are all messages of the system. At the gateways a template of the same text is
// registered for each; its id stands in VOLCARD_SMS_TEMPLATES.
var templates = []Template{
	code("register", "注册"),
	code("application", "申领志愿者证"),
	code("change-phone", "更换手机号"),
	code("reset", "重设密码"),
	{
		Name: "card-ready", Params: []string{"by", "code", "branch"},
		Text: "请于" + by + "前凭身份证、取卡码{code}到{branch}领取志愿者证。",
	},
	{
		Name: "card-reminder", Daytime: true, Params: []string{"branch", "code", "until"},
		Text: "您的志愿者证还在{branch}等您领取，取卡码{code}，保留至" + until + "。",
	},
	{
		Name: "pickup-extended", Daytime: true, Params: []string{"branch", "until", "code"},
		Text: "因放假或网点休息，{branch}领卡期限延至" + until + "，取卡码{code}。",
	},
	{
		Name: "card-lapsed", Daytime: true, Params: []string{"number", "branch"},
		Text: "申请{number}逾期未领，{branch}已收回卡片；电子证仍有效，可登录重选网点。",
	},
	{
		Name: "card-collected", Params: []string{"branch"},
		Text: "您的志愿者证已在{branch}领取。如非本人领取，请立即联系该网点。",
	},
	{
		Name: "card-collection-undone", Params: []string{"branch", "code", "until"},
		Text: "{branch}已撤销领卡登记，请于" + until + "前凭取卡码{code}重新领取。",
	},
	{
		Name: "application-held", Params: []string{"number"},
		Text: "申请{number}已受理，姓名中有生僻字需人工核对，完成后短信通知您。",
	},
	{
		Name: "application-refused", Daytime: true, Params: []string{"number", "reason"},
		Text: "申请{number}未通过：{reason}。请登录查看，更正后可重新申请。",
	},
	{
		Name: "card-approved", Params: []string{"from", "until", "branch"},
		Text: "电子证已签发，实体卡预计{from}至{until}送达{branch}。",
	},
	{
		Name: "card-arrived", Daytime: true, Params: []string{"branch", "code", "until"},
		Text: "志愿者证已到{branch}，请于" + until + "前凭身份证领卡，取卡码{code}。",
	},
	{
		Name: "card-kept", Daytime: true, Params: []string{"number", "branch"},
		Text: "申请{number}逾期未领，卡片由{branch}保管；可登录重新预约。",
	},
	{
		Name: "photo-refused", Daytime: true, Params: []string{"reason", "until"},
		Text: "申请照片未通过：{reason}。请于" + until + "前登录更换，排队位置保留。",
	},
	{
		Name: "confirm-again", Daytime: true, Params: []string{"number", "until"},
		Text: "申请{number}需要您重新确认卡面，请于" + until + "前登录办理。",
	},
	{
		Name: "mend-reminder", Daytime: true, Params: []string{"number", "until"},
		Text: "申请{number}还在等您修改确认，请于" + until + "前登录办理。",
	},
	{
		Name: "card-overdue", Daytime: true, Params: []string{"number", "until"},
		Text: "抱歉，申请{number}的实体卡未在" + until + "前送达，正在跟进；电子证可用。",
	},
	{
		Name: "promise-moved", Daytime: true, Params: []string{"from", "until"},
		Text: "按新的放假安排，您的实体卡预计改为{from}至{until}送达网点。",
	},
	{
		Name: "branch-changed", Params: []string{"branch", "code", "until"},
		Text: "领卡网点已改为{branch}，请于" + until + "前凭身份证领卡，取卡码{code}。",
	},
	{
		Name: "withdrawn", Params: []string{"number"},
		Text: "您已撤回申请{number}。如非本人操作，请立即修改密码。",
	},
	{
		Name: "account-security", Params: []string{"what"},
		Text: "您的账号刚刚{what}。如非本人操作，请立即找回密码。",
	},
}

// Templates returns all templates.
func Templates() []Template { return slices.Clone(templates) }

// Lookup returns the template of a name.
func Lookup(name string) (Template, bool) {
	i := slices.IndexFunc(templates, func(t Template) bool { return t.Name == name })
	if i < 0 {
		return Template{}, false
	}
	return templates[i], true
}

// paramMax is the length to which a parameter is cut: gateways refuse longer ones.
const paramMax = 30

// Values returns the parameters in order, cut to the length that gateways take. A missing one is
// an error: half a message is worse than none.
func (t Template) Values(params map[string]string) ([]string, error) {
	values := make([]string, len(t.Params))
	for i, name := range t.Params {
		v := strings.Join(strings.Fields(params[name]), " ")
		if v == "" {
			return nil, fmt.Errorf("notify: template %s lacks %s", t.Name, name)
		}
		if rs := []rune(v); len(rs) > paramMax {
			v = string(rs[:paramMax-1]) + "…"
		}
		values[i] = v
	}
	return values, nil
}

// Render writes the message as a phone shows it.
func (t Template) Render(params map[string]string) (string, error) {
	values, err := t.Values(params)
	if err != nil {
		return "", err
	}
	pairs := make([]string, 0, 2*len(values))
	for i, v := range values {
		pairs = append(pairs, "{"+t.Params[i]+"}", v)
	}
	// One pass, so that a value that looks like a parameter stays as it is.
	return Signature + strings.NewReplacer(pairs...).Replace(t.Text), nil
}
