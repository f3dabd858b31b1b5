package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

// TestEveryoneIsShownALinkToWhereTheirWorkIs: what the server prints is enough to begin.
func TestEveryoneIsShownALinkToWhereTheirWorkIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	var out bytes.Buffer
	w.introduce(&out, w.base)
	links := regexp.MustCompile(`(?m)^  (\w+) +(http\S+/login\?token=\S+)\n.*\n +(\S.*)$`).FindAllStringSubmatch(out.String(), -1)
	require.Len(t, links, len(w.people))
	pages := map[string]string{"customer": "/my/services", "staff": "/my/jobs", "merchant": "/my/desk"}
	for _, link := range links {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, link[2], nil)
		require.NoError(t, err)
		answer, err := (&http.Client{Jar: jar}).Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		at := pages[link[1]]
		if at == "" {
			at = "/console/"
		}
		assert.Equal(t, at, answer.Request.URL.Path, link[1])
		assert.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", link[1], body)
	}
}
