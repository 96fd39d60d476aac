// Package credentialtest holds what the tests of every reader of a card's link share.
package credentialtest

import (
	"net/url"
	"strings"
)

// Sent returns a link, or a bare token, as people, chat programs, scanners and input methods send it, by the name
// of what happened to it. Every reader takes each for the link itself.
func Sent(link string) map[string]string {
	return map[string]string{
		"alone":              link,
		"Enter":              link + "\r\n",
		"wrapped":            link[:20] + "\r\n  " + link[20:90] + "\t" + link[90:],
		"wrapped with words": "请看 " + link[:60] + "\n" + link[60:] + "\n谢谢",
		"twice":              link + link,
		"twice with Enter":   link + "\n" + link + "\n",
		"twice, second cut":  link + "\n" + link[:90],
		"full width":         FullWidth(link),
		"zero width":         "\ufeff" + link[:50] + "\u200b\ufe0f\u2060" + link[50:] + "\u2069",
		"query":              link + "?utm_source=x",
		"parameter":          link + "&from=timeline&isappinstalled=0",
		"fragment":           link + "#top",
		"slash":              link + "/",
		"slashes":            link + "//x/y",
		"full stop":          link + "。",
		"half-width stop":    link + "｡",
		"comma and thanks":   link + "，谢谢",
		"bracket":            link + "）",
		"dot":                link + ".",
		"quotes":             `"` + link + `"`,
		"Chinese quotes":     "“" + link + "”",
		"sentence":           "请看 " + link + " 谢谢",
		"label":              "扫码结果：" + link,
		"symbology":          "]Q1" + link,
		"words behind":       link + " thank you very much",
		"letters behind":     link + "ABC",
		"another link":       link + " https://v.example.com/v/abcdefg/",
		"markdown":           "[card](" + link + ")",
		"input method":       strings.NewReplacer("/", "、", ":", "：", ".", "。").Replace(link),
		"input method, more": FullWidth(strings.NewReplacer("/", "、", ":", "：", ".", "。").Replace(link)),
		"escaped":            url.QueryEscape(link + "）"),
		"escaped twice":      url.PathEscape(url.QueryEscape("x " + link + "。")),
		"long message":       strings.Repeat("志愿者证", 1000) + link + strings.Repeat("谢谢", 1000),
	}
}

// FullWidth returns a text as a Chinese input method writes it.
func FullWidth(text string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r + 0xFEE0
		}
		return r
	}, text)
}
