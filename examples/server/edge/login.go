package edge

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Authenticator tells who sent a request: the one function that a team replaces
// by its own. No error and no actor means a stranger.
type Authenticator func(r *http.Request) (platform.Actor, bool)

// cookie holds the browser's token. Its prefix binds it to the host.
const cookie = "session"

// Tokens authenticates by fixed bearer tokens, for demos and tests: in the
// Authorization header, or in the cookie that /login sets. Only digests are
// kept.
func Tokens(actors map[string]platform.Actor) Authenticator {
	known := make(map[[32]byte]platform.Actor, len(actors))
	for token, actor := range actors {
		known[sha256.Sum256([]byte(token))] = actor
	}
	return func(r *http.Request) (platform.Actor, bool) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if c, err := r.Cookie(cookie); !ok && err == nil {
			token = c.Value
		}
		actor, found := known[sha256.Sum256([]byte(token))]
		return actor, found
	}
}

// authenticated puts the actor into the context; a stranger goes on as nobody,
// and is refused where somebody is needed.
func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, ok := s.who(r)
		switch {
		case ok:
			requestOf(r.Context()).actor = actor
			next.ServeHTTP(w, r.WithContext(platform.As(r.Context(), actor)))
		case guarded(r.URL.Path):
			w.Header().Set("WWW-Authenticate", "Bearer")
			Refuse(w, r, errNobody)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// guarded tells whether a path needs somebody: all of the API and the console,
// but for an institution's notices, which are signed, and the stylesheet, which
// the page that refuses a stranger has too.
func guarded(path string) bool {
	return strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/notices/") ||
		strings.HasPrefix(path, "/console/") && path != stylesheet
}

// login sets the cookie from ?token=, so that a link logs a browser in.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	probe := r.Clone(r.Context())
	probe.Header = http.Header{"Authorization": {"Bearer " + token}}
	if _, ok := s.who(probe); !ok {
		Refuse(w, r, errNobody)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: token, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, "/console/", http.StatusSeeOther)
}

// logout forgets the cookie.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

var errKind = platform.Err(platform.ErrDenied, "access.kind", "not for this kind of actor", "此类操作者无权查看")

// Only demands an actor of one of the kinds, for what is read without a command.
func Only(ctx context.Context, kinds ...platform.ActorKind) error {
	actor, err := platform.ActorOf(ctx)
	if err == nil && !slices.Contains(kinds, actor.Kind) {
		err = errKind
	}
	return err
}
