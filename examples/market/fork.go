package market

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
)

// Events about the audit log, whose subject is [Market.Log].
const (
	Forked       = "audit.forked"            // the alarm
	Acknowledged = "audit.fork_acknowledged" // by an operator
)

// Log is what events about the audit log are about.
func (m *Market) Log() platform.Ref {
	return platform.Ref{Kind: "log", ID: platform.ID(m.Verifier.Name())}
}

// checkpoint signs the log, and raises the alarm when it cannot for being another.
func (m *Market) checkpoint(ctx context.Context) error {
	_, err := m.Audit.Tick(ctx, m.Writer.Now(), 0)
	if fork, forked := errors.AsType[*audit.ForkError](err); forked {
		err = errors.Join(err, m.alarm(ctx, fork.Fork))
	}
	return err
}

// alarm records a fork, once for what was signed: what is found goes on growing.
func (m *Market) alarm(ctx context.Context, f audit.Fork) error {
	ctx = platform.WithKey(platform.As(platform.WithoutKey(ctx), platform.SystemActor("audit")), Forked+"/"+f.Signed.Root.String())
	_, err := platform.Update(ctx, m.Writer, f.Signed, func(context.Context) (audit.Head, []platform.Change, error) {
		return f.Signed, []platform.Change{platform.Happened(Forked, m.Log(), f)}, nil
	})
	return err
}

// AcknowledgeFork lets the audit log go on from what was found, in place of what
// was signed before.
type AcknowledgeFork struct {
	audit.Fork

	Reason string `json:"reason" validate:"required,text=64"` // a code, as in "restored_backup"
}

// AcknowledgeFork records that an operator answers for a log that does not go on
// from the one signed last, and then signs it. The event audit.fork_acknowledged
// names both, and becomes a leaf of it. It fails with audit.ErrMended unless the
// log stands so. A crash in between leaves the alarm, to be acknowledged again.
func (m *Market) AcknowledgeFork(ctx context.Context, in AcknowledgeFork) (audit.Fork, error) {
	f, err := platform.Update(ctx, m.Writer, in, func(ctx context.Context) (audit.Fork, []platform.Change, error) {
		if err := m.Audit.Stands(ctx, in.Fork); err != nil {
			return audit.Fork{}, nil, err
		}
		return in.Fork, []platform.Change{platform.Happened(Acknowledged, m.Log(), in.Fork).Because(in.Reason)}, nil
	})
	if err != nil {
		return f, err
	}
	if err := m.Audit.Acknowledge(ctx, f); err != nil && !errors.Is(err, audit.ErrMended) { // a repeat
		return f, err
	}
	return f, nil
}

// Standing is the fork at which the audit log stands, or nil.
func (m *Market) Standing(ctx context.Context) *audit.Fork {
	_, err := m.Audit.Checkpoint(ctx)
	if fork, forked := errors.AsType[*audit.ForkError](err); forked {
		return &fork.Fork
	}
	return nil
}

// Alarms are the alarms of the audit log and what was said to them, the newest
// first, at most fifty.
func (m *Market) Alarms(ctx context.Context) ([]platform.Event, error) {
	page, err := platform.List[platform.Event](ctx, m.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{m.Log()}, Backward: true, Limit: 50})
	return page.Items, err
}

// AuditFork is critical at once when the audit log is not the one signed before.
func AuditFork() risk.Indicator {
	return risk.Indicator{
		Name: "audit_fork", Metric: Forked, Owner: "security", Direction: risk.Above,
		Warn:     risk.Bound{Fire: decimal.New(5, -1), Recover: decimal.New(1, -1)},
		Critical: &risk.Bound{Fire: decimal.New(1, 0), Recover: decimal.New(5, -1)},
		Window:   24 * time.Hour, For: new(time.Duration),
		Instruction: "Find out whether a backup was restored. Keep the database as it is, compare with a checkpoint kept elsewhere, and acknowledge only what can be answered for.",
	}
}

// unlogged is the metric of [AuditWindow].
const unlogged = "audit.unlogged_seconds"

// AuditWindow warns when the oldest event that is not in the audit log yet has
// waited for ten seconds, and is critical from a minute: altered meanwhile, it
// would not show.
func AuditWindow() risk.Indicator {
	seconds := func(n int64) decimal.Decimal { return decimal.New(n, 0) }
	return risk.Indicator{
		Name: "audit_window", Metric: unlogged, Owner: "security", Direction: risk.Above,
		Warn: risk.Bound{Fire: seconds(10), Recover: seconds(5)}, Critical: &risk.Bound{Fire: seconds(60), Recover: seconds(10)},
		For: new(time.Minute), Instruction: "Look whether the relay runs, and what the receiver audit failed with.",
	}
}

// window measures what waits for the audit log, besides what counts measure.
type window struct {
	risk.Meter

	m *Market
}

// Measure implements [risk.Meter].
func (w window) Measure(ctx context.Context, name string, from, to time.Time) (numerator, denominator int64, err error) {
	if measure, other := strings.CutPrefix(name, "insight:"); other {
		return w.m.measured(ctx, measure, from, to)
	}
	if name != unlogged {
		return w.Meter.Measure(ctx, name, from, to)
	}
	age, err := w.m.Unlogged(ctx)
	return int64(age / time.Second), 1, err
}

// Unlogged is how long an event has waited by now for the audit log: the oldest
// that no receiver was offered yet, or the next that the log failed to take.
func (m *Market) Unlogged(ctx context.Context) (time.Duration, error) {
	b, err := m.DB.Backlog(ctx)
	if err != nil {
		return 0, err
	}
	now := m.Writer.Now()
	since := b.Oldest
	if b.Late > 0 {
		late, err := m.DB.Late(ctx, store.Slots{Until: slots}, auditSink, time.Now().Add(24*time.Hour), 1) // tried once an hour at least
		if err != nil {
			return 0, err
		}
		for _, d := range late {
			if since.IsZero() || d.Event.At.Before(since) {
				since = d.Event.At
			}
		}
	}
	if since.IsZero() {
		return 0, nil
	}
	return max(0, now.Sub(since)), nil
}

const (
	auditSink = "audit" // the name of its late deliveries
	slots     = 4096
)
