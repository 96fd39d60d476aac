package notify_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"volcard/internal/notify"
	"volcard/internal/store/codestore"
)

// sample holds values as long as real ones are.
var sample = map[string]string{
	"code": "12345678", "branch": "招商银行武汉光谷科技支行（演示）", "until": "2026年12月23日", "from": "2026年12月14日", "number": "HB26112300012345", "by": "12月23日",
	"reason": "姓名与证件不一致", "what": "更换了绑定的手机号",
}

func TestTextsAreShortAndWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tpl := range notify.Templates() {
		require.False(t, seen[tpl.Name], tpl.Name)
		seen[tpl.Name] = true
		for _, p := range tpl.Params {
			require.Contains(t, tpl.Text, "{"+p+"}", tpl.Name)
		}
		text, err := tpl.Render(sample)
		require.NoError(t, err)
		require.NotContains(t, text, "{", tpl.Name)
		require.True(t, strings.HasPrefix(text, "【湖北志愿者证】"))
		// One text message holds 70 characters; two are paid for twice.
		require.LessOrEqual(t, utf8.RuneCountInString(text), 70, text)
	}
}

// Whoever reads a last day knows that the day itself counts.
func TestLastDaysSayThatTheyCount(t *testing.T) {
	t.Parallel()
	dated := 0
	for _, tpl := range notify.Templates() {
		if tpl.Name == "card-approved" || tpl.Name == "promise-moved" {
			continue // from one day to another
		}
		for _, p := range tpl.Params {
			if p == "until" || p == "by" {
				dated++
				require.Contains(t, tpl.Text, "{"+p+"}（含当日）", tpl.Name)
			}
		}
	}
	require.GreaterOrEqual(t, dated, 9)
}

// The names that the stores write must be names that are sent.
func TestNamesOfTheStores(t *testing.T) {
	t.Parallel()
	for _, p := range []codestore.Purpose{codestore.Register, codestore.Application, codestore.ChangePhone, codestore.Reset} {
		tpl, ok := notify.Lookup(p.Template())
		require.True(t, ok, p)
		require.True(t, tpl.Once)
		require.Less(t, tpl.Fresh, codestore.Life)
		_, err := tpl.Render(map[string]string{"code": "123456"})
		require.NoError(t, err)
	}
	for _, name := range []string{
		"card-ready", "card-reminder", "card-lapsed", "card-collected", "card-collection-undone", "application-held",
		"application-refused", "branch-changed", "withdrawn", "account-security",
		"card-approved", "card-arrived", "card-kept", "photo-refused", "confirm-again", "mend-reminder", "card-overdue", "promise-moved", "pickup-extended",
	} {
		tpl, ok := notify.Lookup(name)
		require.True(t, ok, name)
		require.False(t, tpl.Once)
	}
	_, ok := notify.Lookup("nothing")
	require.False(t, ok)
}

// What the person waits for, or has to know at once, comes at any hour.
func TestWhatComesAtAnyHour(t *testing.T) {
	t.Parallel()
	var anyHour []string
	for _, tpl := range notify.Templates() {
		if !tpl.Daytime {
			anyHour = append(anyHour, tpl.Name)
		}
	}
	require.ElementsMatch(t, []string{
		"code-register", "code-application", "code-change-phone", "code-reset",
		"card-ready", "card-approved", "application-held", "branch-changed", "withdrawn",
		"card-collected", "card-collection-undone", "account-security",
	}, anyHour)
}

func TestRender(t *testing.T) {
	t.Parallel()
	tpl, _ := notify.Lookup("card-reminder")
	_, err := tpl.Render(map[string]string{"branch": "x", "code": " "})
	require.Error(t, err)
	text, err := tpl.Render(map[string]string{"branch": "{code}\n" + strings.Repeat("长", 40), "code": "1", "until": "2"})
	require.NoError(t, err)
	require.Contains(t, text, "{code} 长", "a value is no parameter")
	require.Contains(t, text, "…")
	require.NotContains(t, text, "\n")
}

func FuzzRender(f *testing.F) {
	f.Add("支行", "12345678", "2026年12月23日")
	f.Add("{until}", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, branch, code, until string) {
		tpl, _ := notify.Lookup("card-reminder")
		text, err := tpl.Render(map[string]string{"branch": branch, "code": code, "until": until})
		if err == nil && utf8.RuneCountInString(text) > 3*30+60 {
			t.Fatalf("%d characters", utf8.RuneCountInString(text))
		}
	})
}
