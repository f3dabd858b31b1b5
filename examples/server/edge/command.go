package edge

import (
	"context"
	"net/http"
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
		seen, err := version(match)
		if err != nil {
			return ctx, err
		}
		ctx = platform.IfVersion(ctx, seen)
	}
	return ctx, decode(body, into)
}

// version reads an entity tag of ours: "3", or W/"3" when a proxy that
// compresses has weakened it.
func version(match string) (int64, error) {
	tag := strings.TrimPrefix(match, "W/")
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return 0, errMatch
	}
	v, err := strconv.ParseInt(tag[1:len(tag)-1], 10, 64)
	if err != nil || v < 1 {
		return 0, errMatch
	}
	return v, nil
}

type idInput struct {
	ID      string `path:"id" doc:"The record's id."`
	Key     string `header:"Idempotency-Key" doc:"The command happens once under its key; a repeat gets the same answer."`
	Match   string `header:"If-Match" doc:"The entity tag that the caller saw; another version is refused with 412."`
	RawBody []byte `contentType:"application/json"`
}

type bodyInput struct {
	Key     string `header:"Idempotency-Key" doc:"The command happens once under its key; a repeat gets the same answer."`
	RawBody []byte `contentType:"application/json"`
}

// Answer is a resource with its entity tag.
type Answer[A any] struct {
	ETag string `header:"ETag"`
	Body A
}

// Command mounts POST op.Path for a command on the record named in the path.
// into puts the path's id into the command, which the body then cannot name.
func Command[C, A any](api huma.API, op Op, into func(*C, platform.ID), do func(context.Context, C) (A, error)) {
	described := command[C](api, op, into)
	register(api, op, described, func(ctx context.Context, in *idInput) (*Answer[A], error) {
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
	described := command[C](api, op, nil)
	register(api, op, described, func(ctx context.Context, in *bodyInput) (*Answer[A], error) {
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

// Find mounts GET op.Path for one thing, which the input struct names.
func Find[I, A any](api huma.API, op Op, read func(context.Context, *I) (A, error)) {
	huma.Register(api, reading(op), func(ctx context.Context, in *I) (*Answer[A], error) {
		return answer(ctx, in, read)
	})
}

// Paging is the part of a list's input that all lists share.
type Paging struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
	Limit  int    `query:"limit" doc:"rows a page, 50 unless given" minimum:"0" maximum:"500"`
}

// Turn is the part of a list's input that turns its pages. It is exported because
// parameters of embedded types are passed over that are not.
type Turn struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
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
