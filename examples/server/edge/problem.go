package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
)

// Problem is an error as HTTP shows it (RFC 9457): our stable code, a text in
// the caller's language, the wrong fields, the request's id, and the facts that
// a refusal carries. What the log knows beyond that stays in the log.
//
//nolint:errname // the word of RFC 9457
type Problem struct {
	Status  int
	Code    string
	Text    string
	Request string
	Fields  []Field
	Facts   map[string]any
	Retry   string // seconds; the Retry-After header

	cause error
}

// Field is one wrong field of the input.
type Field struct {
	Path string `json:"path" doc:"as written in the request" example:"lines[0].quantity"`
	Code string `json:"code" example:"order.quantity"`
	Text string `json:"text"`
}

var _ huma.StatusError = (*Problem)(nil)

func (p *Problem) Error() string {
	if p.cause != nil {
		return p.cause.Error()
	}
	return p.Code
}

// GetStatus implements [huma.StatusError].
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements [huma.ContentTypeFilter].
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// MarshalJSON writes the members of RFC 9457 with code, request and the facts
// as extension members.
func (p *Problem) MarshalJSON() ([]byte, error) {
	members := map[string]any{}
	maps.Copy(members, p.Facts)
	maps.Copy(members, map[string]any{
		"type": "about:blank", "title": http.StatusText(p.Status), "status": p.Status, "detail": p.Text, "code": p.Code,
	})
	if p.Request != "" {
		members["instance"] = "urn:request:" + p.Request
	}
	if len(p.Fields) > 0 {
		members["errors"] = p.Fields
	}
	return json.Marshal(members)
}

// problem is a Problem's members, for the API's description.
type problem struct {
	Type     string  `json:"type" example:"about:blank"`
	Title    string  `json:"title" doc:"of the status" example:"Conflict"`
	Status   int     `json:"status" example:"409"`
	Code     string  `json:"code" doc:"stable: programs decide by it" example:"order.price_changed"`
	Detail   string  `json:"detail" doc:"in the language of Accept-Language, en or zh" example:"the price has changed"`
	Instance string  `json:"instance,omitempty" doc:"names the request, as X-Request-Id does" example:"urn:request:KLFS2Y5E6K6DAUDJ2DQAT6HKRP"`
	Errors   []Field `json:"errors,omitempty" doc:"every wrong field"`

	_ struct{} `additionalProperties:"true"` // facts, such as the state that refused
}

// Explain makes a problem of an error, once, at the border, and keeps it for
// the request's log line.
func Explain(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	p = Describe(ctx, err)
	note(ctx, p)
	return p
}

// Describe makes a problem of an error that is not the request's own, such as
// that of one item among several.
func Describe(ctx context.Context, err error) *Problem {
	lang := Language(ctx)
	p := &Problem{Status: Status(err), Code: platform.Code(err), Text: platform.Text(err, lang), Request: Request(ctx), Facts: platform.Details(err), cause: err}
	if fields, ok := errors.AsType[platform.FieldErrors](err); ok {
		for _, f := range fields {
			p.Fields = append(p.Fields, Field{Path: f.Path, Code: f.Code, Text: f.Text(lang)})
		}
	}
	return p
}

// statuses are the refusals whose status their kind does not tell.
var statuses = map[string]int{
	"auth.required": http.StatusUnauthorized, "key.required": http.StatusBadRequest, "precondition": http.StatusPreconditionFailed,
	"body.too_large": http.StatusRequestEntityTooLarge, "body.slow": http.StatusRequestTimeout, "url.too_long": http.StatusRequestURITooLong,
	"route.method": http.StatusMethodNotAllowed, "rate.exceeded": http.StatusTooManyRequests,
	"notice.size": http.StatusRequestEntityTooLarge, "notice.signature": http.StatusUnauthorized, "notice.stale": http.StatusUnauthorized, "notice.replayed": http.StatusUnauthorized,
}

// Status is the one mapping of refusals to HTTP.
func Status(err error) int {
	status, special := statuses[platform.Code(err)]
	switch {
	case special:
		return status
	case errors.Is(err, platform.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, platform.ErrConflict), errors.Is(err, platform.ErrState):
		return http.StatusConflict
	case errors.Is(err, platform.ErrInvalid):
		return http.StatusUnprocessableEntity
	case errors.Is(err, platform.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, platform.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Refusals of the border itself.
var (
	errKeyRequired = platform.Err(platform.ErrInvalid, "key.required", "a command that moves money needs an Idempotency-Key", "涉及资金的命令须带 Idempotency-Key")
	errBody        = platform.Err(platform.ErrInvalid, "body.malformed", "the body is not the JSON that this command takes", "请求体不是此命令所需的JSON")
	errMember      = platform.Err(platform.ErrInvalid, "body.unknown_member", "this command has no such member", "此命令无此字段")
	errTooLarge    = platform.Err(platform.ErrInvalid, "body.too_large", "the body is too large", "请求体过大")
	errSlow        = platform.Err(platform.ErrUnavailable, "body.slow", "the body did not arrive in time", "请求体未能及时到达")
	errURL         = platform.Err(platform.ErrInvalid, "url.too_long", "the address is too long", "网址过长")
	errRate        = platform.Err(platform.ErrUnavailable, "rate.exceeded", "too many requests", "请求过于频繁")
	errNobody      = platform.Err(platform.ErrDenied, "auth.required", "log in first", "请先登录")
	errOrigin      = platform.Err(platform.ErrDenied, "auth.origin", "a request from another site", "来自其他网站的请求")
	errParameter   = platform.Err(platform.ErrInvalid, "parameter.malformed", "a parameter is malformed", "参数格式错误")
	errMatch       = platform.Err(platform.ErrInvalid, "precondition.malformed", `If-Match takes one entity tag, such as "3"`, "If-Match 须为单个实体标签")
	errUnknown     = platform.Err(platform.ErrNotFound, "route.not_found", "there is nothing here", "此处无内容")
	errMethod      = platform.Err(platform.ErrInvalid, "route.method", "this takes other methods; Allow names them", "此处不支持该方法，可用方法见 Allow 头")
)

// unlike is the problem for what huma itself refuses, before a handler runs:
// parameters out of range, a body too large or too slow. Its own words are
// English only.
func unlike(ctx huma.Context, status int, text string, errs ...error) huma.StatusError {
	refusal := map[int]error{413: errTooLarge, 408: errSlow, 422: errParameter}[status]
	if refusal == nil {
		refusal = errBody
	}
	c := context.Background()
	if ctx != nil {
		c = ctx.Context()
	}
	p := Explain(c, fmt.Errorf("%w: %s", refusal, text))
	for _, err := range errs {
		d, ok := err.(huma.ErrorDetailer)
		if !ok {
			continue
		}
		wrong := Field{Path: d.ErrorDetail().Location, Code: p.Code, Text: p.Text}
		if Language(c) == "en" {
			wrong.Text = d.ErrorDetail().Message
		}
		p.Fields = append(p.Fields, wrong)
	}
	return p
}

// speak makes huma, whose errors are one for the whole process, answer and
// describe them as the border does.
var speak = sync.OnceFunc(func() {
	huma.NewErrorWithContext = unlike
	huma.NewError = func(status int, text string, errs ...error) huma.StatusError {
		return unlike(nil, status, text, errs...)
	}
})

// Refuse writes err for handlers outside the API: as a problem, or as a small
// page of the same status for a browser, which asks for text/html.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := Explain(r.Context(), err)
	if p.Retry != "" {
		w.Header().Set("Retry-After", p.Retry)
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		p.page(w, r)
		return
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone when this fails
}
