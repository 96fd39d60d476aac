package archtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// link finds where a document points to: [text](target), ![text](target), src="target", href="target".
var link = regexp.MustCompile(`\]\(<?([^)>\s]+)[^)]*\)|(?:src|srcset|href)="([^"\s]+)`)

// A document that points to a file of the repository, or shows a picture, points to one that is there.
func TestDocumentsPointToWhatIsThere(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	documents := []string{"README.md", "README.zh-CN.md", "CONTRIBUTING.md"}
	require.NoError(t, fs.WalkDir(os.DirFS(root), "docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			documents = append(documents, path)
		}
		return err
	}))
	found := 0
	for _, document := range documents {
		text, err := os.ReadFile(filepath.Join(root, document))
		require.NoError(t, err)
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(match[1]+match[2], "#")
			if target == "" || strings.Contains(target, ":") { // a place in this document, or elsewhere on the web
				continue
			}
			found++
			_, err := os.Stat(filepath.Join(root, filepath.Dir(document), target))
			assert.NoError(t, err, "%s points to %s", document, target)
		}
	}
	require.Positive(t, found)
}
