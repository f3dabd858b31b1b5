package pages

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/examples/server/console"
)

func TestEveryWordHasBothLanguages(t *testing.T) {
	t.Parallel()
	for key, w := range words {
		assert.NotEmpty(t, w.en, key)
		assert.NotEmpty(t, w.zh, key)
	}
}

// there tells whether the pages or the console have the word.
func there(key string) bool {
	theirs := console.Funcs("en")["t"].(func(string) string)
	return words[key] != (word{}) || theirs(key) != key
}

func TestEveryWordThatATemplateNamesIsThere(t *testing.T) {
	t.Parallel()
	all, err := files.ReadDir("templates")
	require.NoError(t, err)
	named := regexp.MustCompile(`\bt "([^"]+)"`)
	for _, file := range all {
		text, err := files.ReadFile("templates/" + file.Name())
		require.NoError(t, err)
		for _, m := range named.FindAllSubmatch(text, -1) {
			assert.True(t, there(string(m[1])), "%s of %s", m[1], file.Name())
		}
	}
}

func TestEveryFormSaysWhatItDoesAndWhatItDid(t *testing.T) {
	t.Parallel()
	for _, moves := range []map[string]move{orderMoves, disputeMoves, jobMoves, listingMoves} {
		for verb, m := range moves {
			assert.True(t, there("move."+verb), verb)
			assert.True(t, there("done."+verb), verb)
			assert.NotNil(t, templates["en"].Lookup(m.name+".html"), verb)
			assert.True(t, there("title."+m.name), m.name)
		}
	}
	for _, reasons := range [][]string{refusals, cancelReasons, changeReasons, reworks, declines, grievances, appeals, passes, releases} {
		for _, code := range reasons {
			assert.True(t, there("reason."+code), code)
		}
	}
	for _, method := range methods {
		assert.True(t, there("method."+method), method)
	}
}
