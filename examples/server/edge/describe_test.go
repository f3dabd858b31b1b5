package edge

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDescriptionIsOpenAPI31(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{Version: "1.2.3"})
	w := call(h, "GET", "/openapi.json", "")
	require.Equal(t, 200, w.Code)
	type content map[string]struct {
		Schema struct {
			Ref string `json:"$ref"`
		}
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			Parameters []struct {
				Name     string
				Required bool
			}
			RequestBody struct{ Content content }
			Responses   map[string]struct{ Content content }
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
				Required   []string
			}
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &doc))
	assert.True(t, strings.HasPrefix(doc.OpenAPI, "3.1"))

	buy := doc.Paths["/v1/lamps/{id}/buy"]["post"]
	required := map[string]bool{}
	for _, p := range buy.Parameters {
		required[p.Name] = p.Required
	}
	assert.Equal(t, map[string]bool{"id": true, "Idempotency-Key": true, "If-Match": false}, required)
	require.Len(t, buy.RequestBody.Content, 1)
	require.Equal(t, "#/components/schemas/Buy", buy.RequestBody.Content["application/json"].Schema.Ref)
	for _, status := range []string{"400", "401", "403", "404", "408", "409", "412", "413", "422", "429", "503"} {
		require.Contains(t, buy.Responses, status)
		assert.Equal(t, "#/components/schemas/problem", buy.Responses[status].Content["application/problem+json"].Schema.Ref, status)
	}
	assert.Contains(t, doc.Components.Schemas["problem"].Properties, "code")
	assert.NotContains(t, doc.Components.Schemas["Buy"].Properties, "lamp", "the path names it")
	assert.Equal(t, []string{"price"}, doc.Components.Schemas["Buy"].Required)
	assert.Equal(t, 200, call(h, "GET", "/healthz", "").Code)
	assert.Contains(t, call(h, "GET", "/metrics", "").Body.String(), "http_request_duration_seconds")
}
