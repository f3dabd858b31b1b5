package invoice_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// crash is where a process dies: at a point of its n-th commit, or before or
// after the call.
type crash struct {
	commit        int
	at            storetest.Point
	before, after bool
}

func (c crash) String() string {
	return fmt.Sprintf("commit %d point %d before %t after %t", c.commit, c.at, c.before, c.after)
}

func crashes() []crash {
	all := []crash{{before: true}, {after: true}}
	for commit := 1; commit <= 2; commit++ {
		for _, at := range []storetest.Point{storetest.BeforeSend, storetest.Committed, storetest.Answered} {
			all = append(all, crash{commit: commit, at: at})
		}
	}
	return all
}

// mortal starts a process that dies at the point.
func (v *world) mortal(c crash) {
	var commits atomic.Int64
	faulty := storetest.NewFaulty(v.db, storetest.Faults{Stop: func(at storetest.Point, _ platform.Set) bool {
		if at == storetest.BeforeSend {
			commits.Add(1)
		}
		return int(commits.Load()) == c.commit && at == c.at
	}})
	if c.before {
		v.authority.before = faulty.Stop
	}
	if c.after {
		v.authority.after = faulty.Stop
	}
	v.start(faulty)
}

// reborn starts a process that lives, on the same store and authority.
func (v *world) reborn() {
	v.authority.before, v.authority.after = nil, nil
	v.start(v.db)
}

// Wherever the process dies, the next one finds out: one invoice, one number, no
// hole.
func TestIssueCrashesWithoutHoleOrDouble(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.InvoicerFault{"", sandbox.TimeoutAfter, sandbox.LostBefore, sandbox.Slow} {
		for _, c := range crashes() {
			t.Run(fmt.Sprintf("%s %s", fault, c), func(t *testing.T) {
				t.Parallel()
				v := newWorld(t)
				asked := v.request(t, "10.00")
				v.authority.Force(string(asked.ID), fault)
				v.mortal(c)
				_, _ = v.IssueInvoice(as(machine), invoice.IssueInvoice{Invoice: asked.ID})
				v.reborn()

				v.after(t, 5*time.Minute)

				next := v.issued(t, "10.00")
				assert.Equal(t, invoice.Issued, v.get(t, asked.ID).State)
				assert.Equal(t, int64(1), v.get(t, asked.ID).Number)
				assert.Equal(t, int64(2), next.Number)
				papers, _ := v.authority.Papers()
				assert.Equal(t, 2, papers)
				v.sound(t)
			})
		}
	}
}

// The same of red letters.
func TestRedCrashesWithoutTakingBackTwice(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.InvoicerFault{"", sandbox.TimeoutAfter, sandbox.LostBefore} {
		for _, c := range crashes() {
			t.Run(fmt.Sprintf("%s %s", fault, c), func(t *testing.T) {
				t.Parallel()
				v := newWorld(t)
				got := v.issued(t)
				l, err := v.askRed(customer, got.ID, invoice.Part{Line: 1, Amount: yuan("30.00")})
				require.NoError(t, err)
				v.authority.Force(string(l.ID), fault)
				v.mortal(c)
				_, _ = v.Tick(t.Context(), v.clock(), 0)
				v.reborn()

				v.after(t, 5*time.Minute)

				assert.Equal(t, invoice.PartlyRed, v.get(t, got.ID).State)
				assert.Equal(t, yuan("30.00"), v.get(t, got.ID).Red)
				papers, _ := v.authority.Papers()
				assert.Equal(t, 2, papers)
				v.sound(t)
			})
		}
	}
}

func TestARepeatUnderItsKeyIssuesOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	ctx := platform.WithKey(as(customer), "k1")
	in := invoice.RequestInvoice{Of: done, Kind: invoice.ForService, Title: person}
	first, err := v.RequestInvoice(ctx, in)
	require.NoError(t, err)
	again, err := v.RequestInvoice(ctx, in)
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)

	issue := platform.WithKey(as(machine), "k2")
	for range 2 {
		got, err := v.IssueInvoice(issue, invoice.IssueInvoice{Invoice: first.ID})
		require.NoError(t, err)
		assert.Equal(t, invoice.Issued, got.State)
	}
	_, calls := v.authority.Papers()
	assert.Equal(t, 1, calls)
	v.sound(t)
}
