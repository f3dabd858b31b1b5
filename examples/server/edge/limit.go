package edge

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// limiter bounds how often each account, or each stranger's address, may call:
// the generic cell rate algorithm (ITU-T I.371), which needs one moment a
// caller. A caller may use a minute's worth at once.
type limiter struct {
	mu    sync.Mutex
	next  map[string]time.Time // when the caller's allowance is whole again
	every time.Duration        // between two calls at the steady rate
	swept time.Time
}

// newLimiter is nil, without limit, for a negative rate.
func newLimiter(perMinute, otherwise int) *limiter {
	if perMinute == 0 {
		perMinute = otherwise
	}
	if perMinute < 0 {
		return nil
	}
	return &limiter{next: map[string]time.Time{}, every: time.Minute / time.Duration(perMinute)}
}

// take counts a call, or tells how long to wait for the next.
func (l *limiter) take(caller string, now time.Time) (wait time.Duration) {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		for c, t := range l.next {
			if t.Before(now) {
				delete(l.next, c)
			}
		}
		l.swept = now
	}
	next := l.next[caller]
	if next.Before(now) {
		next = now
	}
	next = next.Add(l.every)
	if over := next.Sub(now) - time.Minute; over > 0 {
		return over
	}
	l.next[caller] = next
	return 0
}

// limited refuses callers that call too often.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := s.reads
		switch {
		case strings.HasPrefix(r.URL.Path, Notices): // one address tells what concerns all customers
			l = nil
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			l = s.writes
		}
		if wait := l.take(caller(r), time.Now()); wait > 0 {
			p := Explain(r.Context(), errRate)
			p.Retry = strconv.Itoa(int(math.Ceil(wait.Seconds())))
			Refuse(w, r, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// caller is the account, or of a stranger the address; one household of IPv6
// addresses is one stranger.
func caller(r *http.Request) string {
	if actor, err := platform.ActorOf(r.Context()); err == nil {
		return string(actor.ID)
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := from.Addr().Unmap()
	if prefix, err := addr.Prefix(64); addr.Is6() && err == nil {
		return prefix.String()
	}
	return addr.String()
}
