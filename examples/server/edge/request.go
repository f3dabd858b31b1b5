package edge

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

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
		prefer = r.Header.Get("Accept-Language")
	}
	if strings.HasPrefix(strings.ToLower(prefer), "zh") {
		return "zh"
	}
	return "en"
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
				s.log.ErrorContext(ctx, "panic", "request", info.id, "panic", p)
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
	attrs := []slog.Attr{
		slog.String("request", info.id), slog.String("method", r.Method), slog.String("route", pattern),
		slog.Int("status", out.status), slog.Duration("took", took), slog.String("actor", string(info.actor.ID)),
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
