package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// quiet is how long nothing more is said of refused notices of one kind.
const quiet = time.Minute

// refusals keep whoever forges notices from filling the log.
type refusals struct {
	mu    sync.Mutex
	told  map[string]time.Time // by institution and code
	since map[string]int       // refused after that
}

// tell counts a refusal, and says of how many to tell now; of none if that was
// done within the minute.
func (r *refusals) tell(kind string, at time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil {
		r.told, r.since = map[string]time.Time{}, map[string]int{}
	}
	r.since[kind]++
	if last, ever := r.told[kind]; ever && at.Before(last.Add(quiet)) {
		return 0
	}
	count := r.since[kind]
	r.told[kind], r.since[kind] = at, 0
	return count
}

// refused is a notice that somebody else wrote.
type refused struct {
	Institution string `json:"institution"`
	Code        string `json:"code"`
	Digest      string `json:"digest"` // SHA-256 of the bytes that came last, in hex
	Count       int    `json:"count"`
}

// Subject is the institution in whose name it came.
func (r refused) Subject() platform.Ref { return institutionRef(r.Institution) }

// refuse tells the log of a notice that was forged, replayed, too old, or meant
// for somebody else.
func (s *Service) refuse(ctx context.Context, institution string, why error, raw []byte) {
	code := platform.Code(why)
	if !errors.Is(why, platform.ErrDenied) {
		return
	}
	count := s.refusals.tell(institution+" "+code, s.w.Now())
	if count == 0 {
		return
	}
	sum := sha256.Sum256(raw)
	in := refused{institution, code, hex.EncodeToString(sum[:]), count}
	_, err := platform.Update(s.system(ctx), s.w, in, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, []platform.Change{platform.Happened("payment.notice_refused", in.Subject(), in)}, nil
	})
	if err != nil {
		s.lanes.fail(fmt.Errorf("tell of a refused notice of %s: %w", institution, err))
	}
}
