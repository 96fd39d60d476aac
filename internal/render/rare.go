package render

import "golang.org/x/text/encoding/simplifiedchinese"

// RareRunes are the characters of a name beyond GB 2312, each once, in their order: those
// that another system's font, form or encoding may lose. A manifest names their code points.
func RareRunes(name string) []rune {
	// HZ is an encoding of just ASCII and GB 2312.
	common := simplifiedchinese.HZGB2312.NewEncoder()
	var rare []rune
	seen := map[rune]bool{}
	for _, r := range name {
		if _, err := common.String(string(r)); err != nil && !seen[r] {
			rare = append(rare, r)
		}
		seen[r] = true
	}
	return rare
}
