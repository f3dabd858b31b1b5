package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/liangding/platform"
)

// Limits of what a stranger can send.
const (
	MaxBody   = 1 << 20
	MaxHeader = 16 << 10
	maxURL    = 8 << 10
)

type requestKey struct{}

// request is what the border knows of the request under way.
type request struct {
	id      string
	lang    string
	started time.Time
	actor   platform.Actor
	route   string // the pattern that matched
	problem *Problem
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		r = &request{}
	}
	return r
}

// Request is the id of the request in ctx, which the answer, the log line and
// the events share.
func Request(ctx context.Context) string { return requestOf(ctx).id }

// Language is "zh" or "en", as the caller prefers.
func Language(ctx context.Context) string {
	if lang := requestOf(ctx).lang; lang != "" {
		return lang
	}
	return "en"
}

// note keeps a problem for the request's log line.
func note(ctx context.Context, p *Problem) { requestOf(ctx).problem = p }

// language reads ?lang=, then the cookie, then Accept-Language.
func language(r *http.Request) string {
	prefer := r.URL.Query().Get("lang")
	if c, err := r.Cookie("lang"); prefer == "" && err == nil {
		prefer = c.Value
	}
	if prefer == "" {
		return preferred(r.Header.Get("Accept-Language"))
	}
	if strings.HasPrefix(strings.ToLower(prefer), "zh") {
		return "zh"
	}
	return "en"
}

// preferred is the one of our languages with the greatest weight (RFC 9110,
// 12.5.4), the first of equals; English when none is named.
func preferred(accept string) string {
	best, most := "en", 0.0
	for part := range strings.SplitSeq(strings.ToLower(accept), ",") {
		tag, weight, weighted := strings.Cut(strings.TrimSpace(part), ";")
		lang, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		q := 1.0
		if weighted {
			q, _ = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64) // nonsense is 0
		}
		if (lang == "en" || lang == "zh") && q > most {
			best, most = lang, q
		}
	}
	return best
}

// Body reads a request's body of at most limit bytes, for handlers outside the
// API. It fails as the API does.
func Body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, fmt.Errorf("read body of %d or more bytes: %w", limit, errTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("read body: %w", errSlow)
	case err != nil:
		return nil, fmt.Errorf("read body: %w: %w", errBody, err)
	}
	return body, nil
}

// observed wraps the whole server: it names the request, writes its one log
// line, counts it, and turns a panic into an answer that tells nothing.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := &request{id: requestID(r), lang: language(r), started: time.Now()}
		ctx := platform.WithRequest(context.WithValue(r.Context(), requestKey{}, info), info.id)
		r = r.WithContext(ctx)
		w.Header().Set("X-Request-Id", info.id)
		out := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				s.log.ErrorContext(ctx, "panic", "request", info.id, "panic", p, "stack", string(debug.Stack()))
				if !out.wrote {
					Refuse(out, r, errPanicked)
				}
			}
			s.finish(r, info, out)
		}()
		next.ServeHTTP(out, r)
	})
}

var errPanicked = platform.Err(nil, "internal", "something went wrong; quote the request's id", "系统错误，请提供请求编号")

// requestID takes over a sane id from a proxy, or makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" || id == "" {
		id = rand.Text()
	}
	return id
}

func (s *Server) finish(r *http.Request, info *request, out *recorder) {
	took := time.Since(info.started)
	pattern := info.route
	if pattern == "" {
		pattern = "none"
	}
	s.metrics.observe(pattern, out.status, took)
	span := trace.SpanFromContext(r.Context())
	span.SetName(pattern)
	span.SetAttributes(attribute.String("http.route", pattern), attribute.String("request.id", info.id))
	attrs := []slog.Attr{
		slog.String("request", info.id), slog.String("method", r.Method), slog.String("route", pattern),
		slog.Int("status", out.status), slog.Float64("seconds", took.Seconds()), slog.String("actor", string(info.actor.ID)),
	}
	level := slog.LevelInfo
	if p := info.problem; p != nil {
		attrs = append(attrs, slog.String("code", p.Code), slog.String("problem", p.Error()))
		if p.Status >= 500 {
			level = slog.LevelError
		}
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *recorder) WriteHeader(status int) {
	w.status, w.wrote = status, true
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
