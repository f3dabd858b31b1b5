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

// Explain makes a problem of an error, once, at the border, and keeps it for
// the request's log line.
func Explain(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	lang := Language(ctx)
	p = &Problem{Status: Status(err), Code: platform.Code(err), Text: platform.Text(err, lang), Request: Request(ctx), Facts: platform.Details(err), cause: err}
	var fields platform.FieldErrors
	if errors.As(err, &fields) {
		for _, f := range fields {
			p.Fields = append(p.Fields, Field{Path: f.Path, Code: f.Code, Text: f.Text(lang)})
		}
	}
	note(ctx, p)
	return p
}

// Status is the one mapping of refusals to HTTP.
func Status(err error) int {
	switch platform.Code(err) {
	case "precondition":
		return http.StatusPreconditionFailed
	case "notice.signature", "notice.stale", "notice.replayed":
		return http.StatusUnauthorized
	case "notice.size":
		return http.StatusRequestEntityTooLarge
	}
	switch {
	case errors.Is(err, platform.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, platform.ErrConflict), errors.Is(err, platform.ErrState):
		return http.StatusConflict
	case errors.Is(err, errKeyRequired):
		return http.StatusBadRequest
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errRate):
		return http.StatusTooManyRequests
	case errors.Is(err, platform.ErrInvalid):
		return http.StatusUnprocessableEntity
	case errors.Is(err, errNobody):
		return http.StatusUnauthorized
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
	errTooLarge    = platform.Err(platform.ErrInvalid, "body.too_large", "the body is too large", "请求体过大")
	errRate        = platform.Err(platform.ErrUnavailable, "rate.exceeded", "too many requests", "请求过于频繁")
	errNobody      = platform.Err(platform.ErrDenied, "auth.required", "log in first", "请先登录")
	errOrigin      = platform.Err(platform.ErrDenied, "auth.origin", "a request from another site", "来自其他网站的请求")
	errParameter   = platform.Err(platform.ErrInvalid, "parameter.malformed", "a parameter is malformed", "参数格式错误")
	errMatch       = platform.Err(platform.ErrInvalid, "precondition.malformed", `If-Match takes one entity tag, such as "3"`, "If-Match 须为单个实体标签")
	errUnknown     = platform.Err(platform.ErrNotFound, "route.not_found", "there is nothing here", "此处无内容")
)

// unlike is the problem for what huma itself refuses, before a handler runs:
// parameters out of range, a body too large.
func unlike(ctx huma.Context, status int, text string, errs ...error) huma.StatusError {
	refusal := map[int]error{http.StatusRequestEntityTooLarge: errTooLarge, http.StatusUnprocessableEntity: errParameter}[status]
	if refusal == nil {
		refusal = errBody
	}
	c := context.Background()
	if ctx != nil {
		c = ctx.Context()
	}
	p := Explain(c, fmt.Errorf("%w: %s", refusal, text))
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			p.Fields = append(p.Fields, Field{Path: detail.Location, Code: p.Code, Text: detail.Message})
		}
	}
	return p
}

// speak makes huma, whose errors are one for the whole process, answer as the
// border does.
var speak = sync.OnceFunc(func() { huma.NewErrorWithContext = unlike })

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
