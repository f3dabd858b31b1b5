package edge

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/liangding/platform"
)

// refusals of every route; a command has more.
var refusals = []int{401, 403, 404, 422, 429, 503}

func reading(op Op) huma.Operation {
	name := strings.NewReplacer("/v1/", "-", "/", "-", "{", "", "}", "").Replace(op.Path)
	return huma.Operation{
		OperationID: "get" + name, Method: http.MethodGet, Path: op.Path, Summary: op.Summary, Tags: []string{op.Tag},
		Errors: refusals, Security: []map[string][]string{{"bearer": {}}},
	}
}

// command describes a command. into, if not nil, is how the path names the
// record: the body then need not.
func command[C any](api huma.API, op Op, into func(*C, platform.ID)) huma.Operation {
	o := reading(op)
	o.Method, o.MaxBodyBytes, o.DefaultStatus = http.MethodPost, MaxBody, http.StatusOK
	o.OperationID = "post" + o.OperationID[len("get"):]
	if op.Created {
		o.DefaultStatus = http.StatusCreated
	}
	o.SkipValidateBody = true // the domain checks, with its own codes
	all := api.OpenAPI().Components.Schemas
	schema := all.Schema(reflect.TypeFor[C](), true, op.Path)
	if into != nil {
		var c C
		into(&c, "id")
		forget(all.SchemaFromRef(schema.Ref), reflect.ValueOf(c))
	}
	o.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	o.Errors = append([]int{400, 408, 409, 412, 413}, refusals...)
	return o
}

// forget takes the one member that c has out of its schema.
func forget(schema *huma.Schema, c reflect.Value) {
	for i := range c.NumField() {
		if c.Field(i).IsZero() {
			continue
		}
		name, _, _ := strings.Cut(c.Type().Field(i).Tag.Get("json"), ",")
		delete(schema.Properties, name)
		schema.Required = slices.DeleteFunc(schema.Required, func(r string) bool { return r == name })
	}
}

// register mounts a command whose body may be empty, though huma demands one
// wherever there is a body at all, and says where a key must be.
func register[I, O any](api huma.API, op Op, o huma.Operation, do func(context.Context, *I) (*O, error)) {
	body := o.RequestBody.Content["application/json"].Schema
	huma.Register(api, o, do)
	o.RequestBody.Required = false
	o.RequestBody.Content["application/json"].Schema = body // huma thinks of raw bytes
	for _, p := range api.OpenAPI().Paths[op.Path].Post.Parameters {
		if p.Name == "Idempotency-Key" {
			p.Required = op.Money
		}
	}
}

// Raw mounts a handler that speaks HTTP itself, such as a stream, and describes
// it with the rest. o names its own parameters and its good answer.
func Raw(api huma.API, o huma.Operation, h http.Handler) {
	problem := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	for _, status := range o.Errors {
		o.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
	api.OpenAPI().AddOperation(&o)
	api.Adapter().Handle(&o, func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		h.ServeHTTP(w, r)
	})
}
