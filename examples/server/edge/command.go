package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
)

// Op describes a route. Money demands an Idempotency-Key.
type Op struct {
	Path    string // "/v1/orders/{id}/cancel"
	Summary string
	Tag     string
	Money   bool
	Created bool // answers 201
}

// prepare reads what all commands have in common into ctx, and the body as it
// came into the command, which the domain then checks.
func prepare(ctx context.Context, op Op, key, match string, body []byte, into any) (context.Context, error) {
	if op.Money && key == "" {
		return ctx, errKeyRequired
	}
	if key != "" {
		ctx = platform.WithKey(ctx, key)
	}
	if match != "" && match != "*" {
		text, quoted := strings.CutPrefix(strings.TrimPrefix(match, "W/"), `"`)
		version, err := strconv.ParseInt(strings.TrimSuffix(text, `"`), 10, 64)
		if err != nil || !quoted || version < 1 {
			return ctx, errMatch
		}
		ctx = platform.IfVersion(ctx, version)
	}
	return ctx, decode(body, into)
}

type idInput struct {
	ID      string `path:"id" doc:"The record's id."`
	Key     string `header:"Idempotency-Key" doc:"The command happens once under its key; a repeat gets the same answer."`
	Match   string `header:"If-Match" doc:"The entity tag that the caller saw; another version is refused with 412."`
	RawBody []byte
}

type bodyInput struct {
	Key     string `header:"Idempotency-Key" doc:"The command happens once under its key; a repeat gets the same answer."`
	RawBody []byte
}

// Answer is a resource with its entity tag.
type Answer[A any] struct {
	ETag string `header:"ETag"`
	Body A
}

// Command mounts POST op.Path for a command on the record named in the path.
// into puts the path's id into the command, which the body then cannot name.
func Command[C, A any](api huma.API, op Op, into func(*C, platform.ID), do func(context.Context, C) (A, error)) {
	register(api, operation[C](api, op), func(ctx context.Context, in *idInput) (*Answer[A], error) {
		var c C
		ctx, err := prepare(ctx, op, in.Key, in.Match, in.RawBody, &c)
		if err != nil {
			return nil, refuse(ctx, err)
		}
		into(&c, platform.ID(in.ID))
		return answer(ctx, c, do)
	})
}

// Create mounts POST op.Path for a command that names no record yet.
func Create[C, A any](api huma.API, op Op, do func(context.Context, C) (A, error)) {
	op.Created = true
	register(api, operation[C](api, op), func(ctx context.Context, in *bodyInput) (*Answer[A], error) {
		var c C
		ctx, err := prepare(ctx, op, in.Key, "", in.RawBody, &c)
		if err != nil {
			return nil, refuse(ctx, err)
		}
		return answer(ctx, c, do)
	})
}

// Show mounts GET op.Path for one record.
func Show[A any](api huma.API, op Op, read func(context.Context, platform.ID) (A, error)) {
	type input struct {
		ID string `path:"id" doc:"The record's id."`
	}
	huma.Register(api, reading(op), func(ctx context.Context, in *input) (*Answer[A], error) {
		return answer(ctx, platform.ID(in.ID), read)
	})
}

// Get mounts GET op.Path for what is there once.
func Get[A any](api huma.API, op Op, read func(context.Context) (A, error)) {
	huma.Register(api, reading(op), func(ctx context.Context, _ *struct{}) (*Answer[A], error) {
		return answer(ctx, struct{}{}, func(ctx context.Context, _ struct{}) (A, error) { return read(ctx) })
	})
}

// List mounts GET op.Path for a page: the input struct declares its filters.
func List[I, A any](api huma.API, op Op, read func(context.Context, *I) (platform.Page[A], error)) {
	huma.Register(api, reading(op), func(ctx context.Context, in *I) (*Answer[platform.Page[A]], error) {
		return answer(ctx, in, read)
	})
}

// Paging is the part of a list's input that all lists share.
type Paging struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
	Limit  int    `query:"limit" doc:"rows a page, 50 unless given" minimum:"0" maximum:"500"`
}

// register mounts a command whose body may be empty: huma demands one wherever
// there is a body at all.
func register[I, O any](api huma.API, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, do)
	op.RequestBody.Required = false
}

func answer[I, A any](ctx context.Context, in I, do func(context.Context, I) (A, error)) (*Answer[A], error) {
	a, err := do(ctx, in)
	if err != nil {
		return nil, refuse(ctx, err)
	}
	out := &Answer[A]{Body: a}
	if stored, ok := any(a).(platform.Stored); ok && stored.Revision() > 0 {
		out.ETag = strconv.Quote(strconv.FormatInt(stored.Revision(), 10))
	}
	return out, nil
}

func refuse(ctx context.Context, err error) error {
	p := Explain(ctx, err)
	if p.Retry != "" {
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {p.Retry}})
	}
	return p
}

func operation[C any](api huma.API, op Op) huma.Operation {
	o := reading(op)
	o.Method, o.MaxBodyBytes, o.DefaultStatus = http.MethodPost, MaxBody, http.StatusOK
	o.OperationID = "post" + o.OperationID[len("get"):]
	if op.Created {
		o.DefaultStatus = http.StatusCreated
	}
	o.SkipValidateBody = true // the domain checks, with its own codes
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[C](), true, op.Path)
	o.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	o.Errors = []int{400, 401, 403, 404, 409, 412, 413, 422, 429, 503}
	return o
}

func reading(op Op) huma.Operation {
	name := strings.NewReplacer("/v1/", "-", "/", "-", "{", "", "}", "").Replace(op.Path)
	return huma.Operation{
		OperationID: "get" + name, Method: http.MethodGet, Path: op.Path, Summary: op.Summary, Tags: []string{op.Tag},
		Errors: []int{401, 403, 404, 422, 429, 503}, Security: []map[string][]string{{"bearer": {}}},
	}
}

// maxDepth bounds the nesting of a body.
const maxDepth = 32

// decode reads a JSON body strictly: one value, no unknown member, at most 32
// deep. An empty body is an empty command.
func decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if depth(body) > maxDepth {
		return fmt.Errorf("body deeper than %d: %w", maxDepth, errBody)
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	err := in.Decode(into)
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed) && typed.Field != "":
		return platform.Wrong(typed.Field, errBody)
	case errors.Is(err, platform.ErrInvalid):
		return err // money and ids refuse with codes of their own
	case err != nil:
		return fmt.Errorf("%w: %w", errBody, err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more than one value: %w", errBody)
	}
	return nil
}

func depth(body []byte) (deepest int) {
	open, text := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			text = !text
		case text && c == '\\':
			i++
		case text:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}
