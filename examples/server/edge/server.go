// Package edge is the border between HTTP and the platform: it knows who sent a
// request, in which language to answer, what may come in and what an error
// looks like outside. It knows no domain; those mount their routes on it.
//
// Conventions: resources are plural nouns under /v1, a command is
// POST /v1/{resource}/{id}/{command}, money moves under an Idempotency-Key,
// lists are pages with a cursor, and every error is a problem (RFC 9457).
package edge

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/liangding/platform"
)

// Options of a server; zero fields have defaults.
type Options struct {
	Who     Authenticator               // who sent a request; if nil, nobody
	Log     *slog.Logger                // if nil, nothing is logged
	Ready   func(context.Context) error // why the server cannot serve now; if nil, it always can
	Version string                      // of the API description

	CommandsPerMinute int // an account's; 0 is 60, negative is without limit
	ReadsPerMinute    int // an account's; 0 is 600, negative is without limit
}

// Server is the border. Mount routes on API and Handle, then serve Handler.
type Server struct {
	API huma.API

	mux     *http.ServeMux
	who     Authenticator
	log     *slog.Logger
	ready   func(context.Context) error
	metrics *metrics
	writes  *limiter
	reads   *limiter
}

// New is a server without routes but its own: /openapi.json, /healthz, /readyz,
// /metrics, /login and /logout.
func New(o Options) *Server {
	speak()
	s := &Server{mux: http.NewServeMux(), who: o.Who, log: o.Log, ready: o.Ready, metrics: newMetrics()}
	if s.who == nil {
		s.who = func(*http.Request) (platform.Actor, bool) { return platform.Actor{}, false }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.writes, s.reads = newLimiter(o.CommandsPerMinute, 60), newLimiter(o.ReadsPerMinute, 600)
	s.API = humago.New(s.mux, description(o.Version))
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	s.mux.HandleFunc("GET /readyz", s.readiness)
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	s.mux.HandleFunc("GET /login", s.login)
	s.mux.HandleFunc("POST /logout", s.logout)
	s.mux.HandleFunc("/", s.unknown)
	return s
}

// description is the head of the OpenAPI document.
func description(version string) huma.Config {
	config := huma.DefaultConfig("Services marketplace", version)
	config.Info.Description = "Resources are plural nouns; a command is POST /v1/{resource}/{id}/{command}. " +
		"Money is {\"amount\":\"12.34\",\"currency\":\"CNY\"}. Errors are problem details (RFC 9457) with a stable code."
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no $schema member in answers
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	type money struct {
		Amount   string `json:"amount" example:"12.34"`
		Currency string `json:"currency" example:"CNY"`
	}
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[platform.Money](), reflect.TypeFor[money]())
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[Problem](), reflect.TypeFor[problem]())
	return config
}

// schemaName is a type's name with its package, since a command of one domain
// may be named as that of another: order.Accept, platform.Page.order.Order.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	name := strings.Trim(schemaWords.ReplaceAllString(schemaPaths.ReplaceAllString(t.String(), ""), "."), ".")
	return strings.TrimPrefix(name, "edge.") // money and problem are everybody's
}

var (
	schemaPaths = regexp.MustCompile(`[\w.\-]+/`)
	schemaWords = regexp.MustCompile(`[^\w]+`)
)

// Handle mounts a handler outside the API: pages, streams, notices.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Registry is where other parts add their metrics.
func (s *Server) Registry() prometheus.Registerer { return s.metrics.registry }

// Handler is the whole server. From the outside in: one log line and request
// id, bounds and headers, no writes from other sites, who it is, how often, and
// nobody where somebody is needed.
func (s *Server) Handler() http.Handler {
	routed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mux.ServeHTTP(w, r)
		requestOf(r.Context()).route = r.Pattern
	})
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Refuse(w, r, errOrigin) }))
	sameSite.AddInsecureBypassPattern("POST " + Notices)
	h := s.observed(bounded(sameSite.Handler(s.authenticated(s.limited(known(routed))))))
	return otelhttp.NewHandler(h, "http", otelhttp.WithFilter(func(r *http.Request) bool {
		return r.URL.Path != "/healthz" && r.URL.Path != "/metrics"
	}))
}

// HTTP is a server for the handler with the time-outs of the border. Streams
// lift their own write time-out.
func (s *Server) HTTP(addr string) *http.Server {
	return &http.Server{
		Addr: addr, Handler: s.Handler(), MaxHeaderBytes: MaxHeader,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

func (s *Server) readiness(w http.ResponseWriter, r *http.Request) {
	if s.ready != nil {
		if err := s.ready(r.Context()); err != nil {
			Refuse(w, r, err)
			return
		}
	}
	_, _ = w.Write([]byte("ready\n"))
}

// unknown refuses what no route takes: another method of an address that there
// is, or an address that there is not.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := r.WithContext(r.Context())
		probe.Method = method
		if _, pattern := s.mux.Handler(probe); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		Refuse(w, r, errUnknown)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	Refuse(w, r, errMethod)
}

// bounded refuses what is too large and sets the headers of every answer.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		if len(r.URL.RequestURI()) > maxURL {
			Refuse(w, r, errURL)
			return
		}
		if r.ContentLength > MaxBody {
			Refuse(w, r, errTooLarge)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/v1/") { // the API's own reader answers 413 by itself
			r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		}
		next.ServeHTTP(w, r)
	})
}
