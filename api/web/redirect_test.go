package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/api/web"
)

func TestOwnPath(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"/", "/apply", "/apply/unit?x=1#y", "/a//b", "/账户"} {
		require.Equal(t, own, web.OwnPath(own, "/home"), own)
	}
	for _, foreign := range []string{
		"", "apply", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "javascript:alert(1)",
		"/a\r\nSet-Cookie: x=1", "/\t/evil.example", "/%zz", "https:/evil.example", " /apply", "/" + strings.Repeat("a", 3000),
	} {
		require.Equal(t, "/home", web.OwnPath(foreign, "/home"), foreign)
	}
}

func FuzzOwnPath(f *testing.F) {
	f.Add("/apply")
	f.Add("//evil.example")
	f.Add("/\\evil")
	base, err := url.Parse("https://here.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := base.Parse(web.OwnPath(s, "/"))
		if err != nil || got.Host != "here.example" || got.Scheme != "https" {
			t.Fatalf("%q leads to %v (%v)", s, got, err)
		}
	})
}
