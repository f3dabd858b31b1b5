package platform_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

var block = regexp.MustCompile("(?s)```(\\w*)\n(.*?)\n```")

// TestTheReadmesProgramIsTheQuickstart, and prints what the README says.
func TestTheReadmesProgramIsTheQuickstart(t *testing.T) {
	t.Parallel()
	blocks := block.FindAllStringSubmatch(readFile(t, "README.md"), -1)
	require.Equal(t, strings.TrimSpace(readFile(t, "examples/quickstart/main.go")), blocks[0][2])
	out, err := exec.CommandContext(t.Context(), "go", "run", "./examples/quickstart").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, blocks[1][2], strings.TrimSpace(string(out)))
}

// TestBothReadmesSayTheSame: the same parts in the same order, the same code,
// the same links, and all of them lead somewhere.
func TestBothReadmesSayTheSame(t *testing.T) {
	t.Parallel()
	en, zh := readFile(t, "README.md"), readFile(t, "README.zh-CN.md")
	assert.Equal(t, block.FindAllString(en, -1), block.FindAllString(zh, -1))
	en, zh = block.ReplaceAllString(en, ""), block.ReplaceAllString(zh, "")
	heads, links := regexp.MustCompile(`(?m)^#+ `), regexp.MustCompile(`\]\(([^)]+)\)`)
	assert.Equal(t, heads.FindAllString(en, -1), heads.FindAllString(zh, -1))
	assert.Equal(t, links.FindAllStringSubmatch(en, -1)[0][1], links.FindAllStringSubmatch(zh, -1)[0][1])
	for _, text := range []string{en, zh} {
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			_, err := os.Stat(link[1])
			assert.NoError(t, err)
		}
	}
}
