package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

// described is what the API says of itself, as far as lists are concerned.
type described struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]shape }
}

type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
		Example  any
		Schema   shape
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema shape }
	}
}

type shape struct {
	Ref        string `json:"$ref"`
	Properties map[string]shape
	Examples   []any
	Enum       []any
}

// lists tells whether the operation answers with pages, of which one follows another.
func (d described) lists(o operation) bool {
	s := o.Responses["200"].Content["application/json"].Schema
	if name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]; name != "" {
		s = d.Components.Schemas[name]
	}
	_, items := s.Properties["items"]
	_, next := s.Properties["next"]
	return items && next
}

// TestEveryListTurnsItsPages: a route that tells where its next page begins takes that
// as a parameter, and one that declares the parameter reads it: a cursor that no page
// has told is refused, and not answered with the first page.
func TestEveryListTurnsItsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	var doc described
	require.NoError(t, json.Unmarshal(w.get("", "/openapi.json").raw, &doc))
	pages, read := 0, 0
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		get, reads := doc.Paths[path]["get"]
		if !reads {
			continue
		}
		query, declared := url.Values{"cursor": {"no page has told this"}}, false
		for _, p := range get.Parameters {
			declared = declared || p.Name == "cursor" && p.In == "query"
			if p.In != "query" || !p.Required {
				continue
			}
			example := slices.Concat(p.Schema.Examples, p.Schema.Enum, []any{"something"})
			query.Set(p.Name, fmt.Sprint(example[0]))
		}
		if doc.lists(get) {
			pages++
			assert.True(t, declared, "%s tells of a next page, and takes no cursor", path)
		}
		if !declared {
			continue
		}
		answers := map[int]string{}
		for _, who := range []string{"operator", "auditor", "merchant", "customer", "staff"} {
			r := w.call(who, "GET", nowhere(t, path)+"?"+query.Encode(), nil)
			answers[r.status] = r.code
		}
		_, refused := answers[422]
		_, answered := answers[200] // also those who see nothing, and read no page of it
		assert.True(t, refused || !answered, "%s declares a cursor and does not read it", path)
		if refused {
			read++
		}
	}
	assert.Greater(t, pages, 50, "the lists are not found any more")
	assert.Greater(t, read, 40, "most lists are not reached any more")
}
