package public_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/api/public"
	"volcard/api/web/webtest"
)

func TestHomeTellsWhatTheCardIs(t *testing.T) {
	t.Parallel()
	env := webtest.New(t)
	public.Home{Kit: env.Kit, Contacts: public.DemoContacts()}.Routes(env.Router)
	env.Start()
	page := env.Client().Get("/").Want(200)
	page.WantText(".edition:first-of-type", "通用版").WantText("#voluntary + p", "自愿")
	for _, account := range []string{"中国青年志愿者", "湖北青年志愿者"} {
		page.WantText(".rows", account)
	}
	page.WantText(".rows", "招商银行武汉分行").Has(`a[href="/apply"]`).Has(`a[href="/verify"]`).Has(`a[href="/staff/login"]`)
}

func TestHomeIsAccessible(t *testing.T) {
	env := webtest.New(t)
	public.Home{Kit: env.Kit, Contacts: public.DemoContacts()}.Routes(env.Router)
	env.Start()
	b := webtest.NewBrowser(t)
	shot(t, b, env.Client(), "/", "home")
	webtest.Axe(t, b, env.Client(), "/")
}

// shot keeps pictures for somebody to look at, where a folder for them is named.
func shot(t *testing.T, b *webtest.Browser, c *webtest.Client, path, name string) {
	t.Helper()
	folder := os.Getenv("VOLCARD_SHOTS")
	if folder == "" {
		return
	}
	tab := b.Tab(c, path, 375, 812)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-375.png"), b.Picture(tab), 0o600))
	b.Dark(tab)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-375-dark.png"), b.Picture(tab), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-1280.png"), b.Picture(b.Tab(c, path, 1280, 900)), 0o600))
}
