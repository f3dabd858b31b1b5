package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store/sandbox"
)

// journal is a log that a test may read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// schema is what OpenAPI says of a body.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Enum       []string
	Properties map[string]schema
	Items      *schema
}

// told is a value of the schema in which every text is the canary.
func (s schema) told(all map[string]schema, canary string, deep int) any {
	if s.Ref != "" {
		s = all[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	kind, _ := s.Type.(string)
	if kinds, several := s.Type.([]any); several {
		kind, _ = kinds[0].(string)
	}
	switch {
	case deep > 8:
		return nil
	case kind == "object" || s.Properties != nil:
		members := object{}
		for name, of := range s.Properties {
			members[name] = of.told(all, canary, deep+1)
		}
		return members
	case kind == "array" && s.Items != nil:
		return []any{s.Items.told(all, canary, deep+1)}
	case kind == "integer" || kind == "number":
		return 1
	case kind == "boolean":
		return true
	}
	return canary
}

// TestNoProblemAndNoLogRepeatsWhatWasSent: whatever a command is refused for, the
// answer and the log name its fields and never their values, which may be a
// person's.
func TestNoProblemAndNoLogRepeatsWhatWasSent(t *testing.T) {
	t.Parallel()
	const canary = "canary 王小明 13812345678"
	log := &journal{}
	w := newWorldWith(t, sandbox.Faults{}, slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}), func(*market.Options) {})
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	require.NoError(t, json.Unmarshal(w.get("", "/openapi.json").raw, &doc))
	refused, fields := 0, 0
	for path, methods := range doc.Paths {
		post, command := methods["post"]
		if !command {
			continue
		}
		at := nowhere(t, path)
		body := post.RequestBody.Content["application/json"].Schema.told(doc.Components.Schemas, canary, 0)
		for _, who := range []string{"customer", "merchant", "staff", "operator"} {
			for _, sent := range []any{body, object{"colour": canary}, []string{canary}, canary} {
				r := w.call(who, "POST", at, sent, "Idempotency-Key", "k"+strings.NewReplacer("/", "-").Replace(at)+who)
				if r.status < 400 {
					continue
				}
				refused++
				if wrong, some := r.body["errors"].([]any); some {
					fields += len(wrong)
				}
				for _, part := range []string{"王小明", "13812345678", `\u738b`} {
					assert.NotContains(t, string(r.raw), part, "%s by %s", path, who)
				}
			}
		}
	}
	assert.Greater(t, refused, 300)
	assert.Positive(t, fields)
	require.NotEmpty(t, log.String())
	for line := range strings.Lines(log.String()) {
		for _, part := range []string{"王小明", "13812345678", `\u738b`} {
			assert.NotContains(t, line, part)
		}
	}
}
