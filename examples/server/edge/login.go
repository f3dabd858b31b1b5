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

// cookie is the name of the browser's token. Over TLS its prefix binds it to
// the host.
func cookie(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-session"
	}
	return "session"
}

// Tokens authenticates by fixed bearer tokens, for demos and tests: in the
// Authorization header, or in the cookie that /login sets. Only digests are
// kept.
func Tokens(actors map[string]platform.Actor) Authenticator {
	known := make(map[[32]byte]platform.Actor, len(actors))
	for token, actor := range actors {
		known[sha256.Sum256([]byte(token))] = actor
	}
	return func(r *http.Request) (platform.Actor, bool) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		if c, err := r.Cookie(cookie(r)); scheme == "" && err == nil {
			token = c.Value
		}
		actor, found := known[sha256.Sum256([]byte(token))]
		return actor, found
	}
}

// authenticated puts the actor into the context; a stranger goes on as nobody.
func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if actor, ok := s.who(r); ok {
			requestOf(r.Context()).actor = actor
			r = r.WithContext(platform.As(r.Context(), actor))
		}
		next.ServeHTTP(w, r)
	})
}

// known refuses a stranger where somebody is needed.
func known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := platform.ActorOf(r.Context()); err != nil && guarded(r.URL.Path) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			Refuse(w, r, errNobody)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Mine is where the pages of customers, staff and merchants begin.
const Mine = "/my/"

// Notices is where institutions tell what happened to money.
const Notices = "/v1/notices/"

// guarded tells whether a path needs somebody: all of the API, what it tells of
// the data, the console, and the pages of the others,
// but for an institution's notices, which are signed, and the stylesheet, which
// the page that refuses a stranger has too.
func guarded(path string) bool {
	return strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, Notices) ||
		strings.HasPrefix(path, "/meta/") || strings.HasPrefix(path, Mine) || strings.HasPrefix(path, "/console/") && path != stylesheet
}

// login sets the cookie from ?token=, so that a link logs a browser in, and leads
// to the pages of whoever that is.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	probe := r.Clone(r.Context())
	probe.Header = http.Header{"Authorization": {"Bearer " + token}}
	actor, ok := s.who(probe)
	if !ok {
		Refuse(w, r, errNobody)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookie(r), Value: token, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	home := Mine
	if actor.Kind == platform.Operator || actor.Kind == platform.Auditor {
		home = "/console/"
	}
	http.Redirect(w, r, home, http.StatusSeeOther)
}

// logout forgets the cookie.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookie(r), Path: "/", MaxAge: -1, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
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
