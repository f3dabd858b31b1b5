package dispatch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Snapshot is all that a plan is made from: values only.
type Snapshot struct {
	At    time.Time `json:"at"`
	Jobs  []Job     `json:"jobs"`
	Staff []Present `json:"staff"`
}

// Job is one open seat of an order.
type Job struct {
	Order    platform.ID   `json:"order"`
	Seat     int           `json:"seat"`
	From     time.Time     `json:"from"`
	Until    time.Time     `json:"until"`
	Place    *Place        `json:"place,omitempty"`    // nil: anywhere, all are equally near
	Unplaced bool          `json:"unplaced,omitempty"` // the order named a place that is none; set by [Policy.Plan]
	Waited   time.Duration `json:"waited_ns"`          // since the search began
	Eligible []platform.ID `json:"eligible"`           // who could take it; anybody else is not_eligible
	Barred   []Barred      `json:"barred,omitempty"`
}

// Barred is a member who could take a job and is not asked now, with the code
// of the reason.
type Barred struct {
	Member platform.ID `json:"member"`
	Code   string      `json:"code"`
}

// Present is a member who is on duty.
type Present struct {
	Member platform.ID `json:"member"`
	Place  *Place      `json:"place,omitempty"` // nil: not known, counted as far as the radius
	Load   int         `json:"load"`            // orders that the member holds and whose time is not over
	Had    int         `json:"had,omitempty"`   // orders of the last eight hours that are over
	Asked  bool        `json:"asked,omitempty"` // for another job, a moment ago
}

// share is what equals are told apart by: the orders of the last eight hours and
// those to come.
func (p Present) share() int { return p.Load + p.Had }

// sorted is the snapshot in its one order: jobs by order and seat, members by
// id; a place that is none is left out. It shares nothing that it changed with
// the one given. It fails with ErrDuplicate.
func (s Snapshot) sorted() (Snapshot, error) {
	s.Jobs, s.Staff = slices.Clone(s.Jobs), slices.Clone(s.Staff)
	slices.SortFunc(s.Jobs, func(a, b Job) int {
		if c := strings.Compare(string(a.Order), string(b.Order)); c != 0 {
			return c
		}
		return a.Seat - b.Seat
	})
	slices.SortFunc(s.Staff, func(a, b Present) int { return strings.Compare(string(a.Member), string(b.Member)) })
	for i, j := range s.Jobs {
		if i > 0 && j.Order == s.Jobs[i-1].Order && j.Seat == s.Jobs[i-1].Seat {
			return Snapshot{}, fmt.Errorf("order %s seat %d: %w", j.Order, j.Seat, ErrDuplicate)
		}
		s.Jobs[i] = j.sorted()
	}
	for i, p := range s.Staff {
		if i > 0 && p.Member == s.Staff[i-1].Member {
			return Snapshot{}, fmt.Errorf("member %s: %w", p.Member, ErrDuplicate)
		}
		if p.Place != nil && p.Place.Fault() != nil {
			s.Staff[i].Place = nil
		}
	}
	return s, nil
}

// job is where a seat stands among the jobs; -1 when it is none of them.
func (s Snapshot) job(order platform.ID, seat int) int {
	return slices.IndexFunc(s.Jobs, func(j Job) bool { return j.Order == order && j.Seat == seat })
}

// find is where a member stands in a sorted snapshot.
func (s Snapshot) find(member platform.ID) (int, bool) {
	return slices.BinarySearchFunc(s.Staff, member, func(p Present, id platform.ID) int { return cmp.Compare(p.Member, id) })
}

func (j Job) sorted() Job {
	if j.Place != nil && j.Place.Fault() != nil {
		j.Place, j.Unplaced = nil, true
	}
	j.Eligible, j.Barred = slices.Clone(j.Eligible), slices.Clone(j.Barred)
	slices.Sort(j.Eligible)
	j.Eligible = slices.Compact(j.Eligible)
	slices.SortFunc(j.Barred, func(a, b Barred) int {
		if c := strings.Compare(string(a.Member), string(b.Member)); c != 0 {
			return c
		}
		return strings.Compare(a.Code, b.Code)
	})
	return j
}

// barred is why a member is not asked now, "" when nothing is against it. The
// job must be sorted.
func (j Job) barred(member platform.ID) string {
	at, found := slices.BinarySearchFunc(j.Barred, member, func(b Barred, id platform.ID) int { return cmp.Compare(b.Member, id) })
	if !found {
		return ""
	}
	return j.Barred[at].Code
}

// hash names what a plan was made from: SHA-256 over the policy and the sorted
// snapshot as JSON.
func hash(p Policy, s Snapshot) (string, error) {
	data, err := json.Marshal(struct {
		Policy   Policy   `json:"policy"`
		Snapshot Snapshot `json:"snapshot"`
	}{p, s})
	if err != nil {
		return "", fmt.Errorf("hash snapshot: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
