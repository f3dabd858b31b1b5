package verification

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	noon     = time.Date(2030, 3, 4, 12, 0, 0, 0, time.UTC) // a Monday
	mer      = platform.NewID("mer", noon.AddDate(-1, 0, 0), 7, 7)
	other    = platform.NewID("mer", noon.AddDate(-1, 0, 0), 9, 9)
	owner    = platform.Actor{ID: mer, Kind: platform.Merchant}
	rival    = platform.Actor{ID: other, Kind: platform.Merchant}
	reviewer = platform.Actor{ID: "opr-1", Kind: platform.Operator}
	second   = platform.Actor{ID: "opr-2", Kind: platform.Operator}
	third    = platform.Actor{ID: "opr-3", Kind: platform.Operator}
	system   = platform.SystemActor("test")
	client   = platform.Actor{ID: "cus-1", Kind: platform.Customer}
)

const (
	goodCode = "91350100M000100Y43"
	goodCard = "4111111111111111"
)

// house is a service over an empty memory store, with a clock that stands at noon
// until it is moved.
type house struct {
	*Service
	db      *memory.DB
	checker *desk
	mu      sync.Mutex
	clock   time.Time
}

func opened() *house {
	h := &house{db: memory.New(Kinds(), nil), clock: noon, checker: &desk{says: Passed}}
	h.Service = New(platform.Writer{Store: h.db, Now: h.now}, h.db, Ports{Sealer: box{}, Checker: h.checker}, nil)
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

// at moves the clock and ticks until nothing is due.
func (h *house) at(t require.TestingT, when time.Time) {
	h.mu.Lock()
	h.clock = when
	h.mu.Unlock()
	for {
		n, err := h.Tick(as(system), when, 5000)
		require.NoError(t, err)
		if n == 0 {
			return
		}
	}
}

func as(by platform.Actor) context.Context { return platform.As(context.Background(), by) }

// box seals so that a test can read it.
type box struct{}

func (box) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return platform.Sealed("sealed:" + at.Field + ":" + plain), nil
}
func (box) Blind(_ context.Context, field, plain string) (string, error) {
	return field + "#" + plain, nil
}

// desk answers as it is told, and must never be asked inside a decision.
type desk struct {
	mu    sync.Mutex
	says  Outcome
	err   error
	asked int
}

func (d *desk) set(says Outcome, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.says, d.err = says, err
}

func (d *desk) Start(ctx context.Context, key, kind string, _ platform.Place, _ platform.Sealed) (string, error) {
	if platform.Deciding(ctx) || key == "" || kind == "" {
		panic("asked inside a decision")
	}
	return d.LookUp(ctx, key)
}

func (d *desk) LookUp(context.Context, string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	return string(d.says), d.err
}

// need is a requirement that gates sales; change makes it what a test is about.
func need(code string, change ...func(*Requirement)) Requirement {
	r := Requirement{Code: code, Kind: Qualification, Gates: []string{"sell"}, Phase: AtApply, Review: One, Validity: Validity{Days: 365}, Remedy: "resubmit"}
	for _, f := range change {
		f(&r)
	}
	return r
}

// version is a set that holds for everybody since long.
func version(number int, all ...Requirement) Set {
	return Set{Name: "base", Party: platform.Merchant, Number: number, Effective: noon.AddDate(-2, 0, number), Transition: 30, Basis: "law", Owner: "ops", Requirements: all, Head: platform.Head{ID: numbered(platform.Merchant, "base", number)}}
}

// party joined a year ago and was let in.
func party(change ...func(*Party)) Party {
	p := Party{ID: mer, Kind: platform.Merchant, Attributes: map[string]string{"category": "cleaning", "region": "fj"}, Since: noon.AddDate(-1, 0, 0), Admitted: noon.AddDate(-1, 0, 0)}
	for _, f := range change {
		f(&p)
	}
	return p
}

// verified evidence from a moment on, for so many days; 0 is for ever.
func verifiedFor(code string, from time.Time, days int) Evidence {
	e := Evidence{Submission: platform.ID("sub-" + code), Code: code, Version: 1, State: Verified, From: from, At: from}
	if days > 0 {
		e.Until = from.Add(time.Duration(days) * day)
	}
	return e
}

func modeOf(e Evaluation, name string) Mode { return e.Capability(name).Mode }

func codes(all []Due) []string {
	out := []string{}
	for _, d := range all {
		out = append(out, d.Code)
	}
	return out
}

// publish puts a set in force now, without transition.
func (h *house) publish(t require.TestingT, all ...Requirement) Set {
	none := 0
	s, err := h.Publish(as(reviewer), Publish{Name: "base", Party: platform.Merchant, Effective: h.now(), Transition: &none, Open: true, Basis: "E-commerce Law art. 27", Owner: "ops", Requirements: all})
	require.NoError(t, err)
	return s
}

// joins describes a party that joins now.
func (h *house) joins(t require.TestingT, id platform.ID, change ...func(*Describe)) {
	now := h.now()
	in := Describe{Party: id, Since: now, Admitted: &now, Attributes: map[string]string{"category": "cleaning"}}
	for _, f := range change {
		f(&in)
	}
	_, err := h.Describe(as(system), in)
	require.NoError(t, err)
}

func (h *house) begun(t require.TestingT, by platform.Actor, code string) Submission {
	c, err := h.Begin(as(by), Begin{Party: by.For(), Code: code})
	require.NoError(t, err)
	return c
}

func (h *house) handed(t require.TestingT, by platform.Actor, code string, change ...func(*Submit)) Submission {
	in := Submit{Submission: h.begun(t, by, code).ID}
	for _, f := range change {
		f(&in)
	}
	c, err := h.Submit(as(by), in)
	require.NoError(t, err)
	return c
}

func (h *house) proved(t require.TestingT, by platform.Actor, code string, change ...func(*Submit)) Submission {
	c, err := h.Verify(as(reviewer), Verify{Submission: h.handed(t, by, code, change...).ID})
	require.NoError(t, err)
	require.Equal(t, Verified, c.State)
	return c
}

func number(text string) func(*Submit) {
	return func(in *Submit) { in.Number, in.Consent = text, true }
}

func (h *house) may(party platform.ID, capability string) error {
	_, err := Standings{DB: h.db}.May(context.Background(), party, capability, h.now())
	return err
}

// events are the types of what happened, oldest first.
func (h *house) events(t testing.TB, what string) (found []platform.Event) {
	t.Helper()
	for cursor := ""; ; {
		page, err := platform.List[platform.Event](context.Background(), h.db, platform.Query{Kind: "event", Limit: 500, Cursor: cursor})
		require.NoError(t, err)
		for _, e := range page.Items {
			if e.Type == what {
				found = append(found, e)
			}
		}
		if cursor = page.Next; cursor == "" {
			return found
		}
	}
}

// atOnce calls f n times in parallel and returns the errors.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}
