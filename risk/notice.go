package risk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Notifier tells people. It is called outside of any commit, at least once for
// each notice, always under the notice's key; it should drop what it has sent
// under a key before.
type Notifier interface {
	Notify(ctx context.Context, to []platform.Ref, key, text string) error
}

// Notice is one message of an alert. It is part of the alert before it is sent.
type Notice struct {
	What Move      `json:"what"` // fired, went_dark, raised or resolved
	At   time.Time `json:"at"`
	Sent time.Time `json:"sent,omitzero"`
}

// notice is the alert with another message to send, after those before it.
func (a Alert) notice(what Move, at time.Time) Alert {
	a.Notices = append(slices.Clone(a.Notices), Notice{What: what, At: at})
	return a.due()
}

// due is the alert with the time of its first notice that is not sent.
func (a Alert) due() Alert {
	a.Due = time.Time{}
	if n := a.unsent(); n >= 0 {
		a.Due = a.Notices[n].At
	}
	return a
}

func (a Alert) unsent() int {
	return slices.IndexFunc(a.Notices, func(n Notice) bool { return n.Sent.IsZero() })
}

// sent is the alert once its notice n is known to be sent.
func (a Alert) sent(n int, at time.Time) (Alert, error) {
	if a.unsent() != n {
		return Alert{}, errTold
	}
	a.Notices = slices.Clone(a.Notices)
	a.Notices[n].Sent = at
	return a.due(), nil
}

// Route says whom an alert calls.
type Route struct {
	Indicator string         // empty: any
	Level     Level          // empty: any
	Calls     []platform.Ref // at least one: a person, or a role such as {"role", "duty"}
}

// calls are the people of the first route that fits, otherwise the last resort.
func (o Options) calls(indicator string, level Level) []platform.Ref {
	for _, r := range o.Routes {
		if (r.Indicator == "" || r.Indicator == indicator) && (r.Level == "" || r.Level == level) {
			return r.Calls
		}
	}
	return o.LastResort
}

// calling is the alert that calls these people, and after them those whom it
// called before: who was told that it fired is told how it ends.
func (a Alert) calling(people []platform.Ref) Alert {
	former := a.Calls
	a.Calls = slices.Clone(people)
	for _, r := range former {
		if !slices.Contains(a.Calls, r) {
			a.Calls = append(a.Calls, r)
		}
	}
	return a
}

// notify sends the first unsent notice of each alert that has one.
func (s *Service) notify(ctx context.Context, now time.Time, limit int) (int, error) {
	due := func(cursor string) (platform.Page[Alert], error) {
		return s.store.Alerts(ctx, platform.Query{By: []string{"due"}, Until: now.Add(time.Microsecond), Cursor: cursor})
	}
	return platform.Sweep(ctx, limit, due, func(a Alert) error { return s.send(ctx, a, now) })
}

// telling is the command of the platform's own that records a notice as sent.
type telling struct {
	Alert platform.ID `json:"alert"`
	What  Move        `json:"what"`
}

// send tells and then records it. A crash in between sends again, under the
// same key.
func (s *Service) send(ctx context.Context, a Alert, now time.Time) error {
	n := a.unsent()
	if n < 0 {
		return errTold
	}
	what := a.Notices[n].What
	text := string(what) + ": " + a.Explain(s.opts.Lang)
	if err := s.ports.Notifier.Notify(ctx, a.Calls, fmt.Sprintf("%s/%d", a.ID, n), text); err != nil {
		return fmt.Errorf("notify of %s: %w", a.ID, err)
	}
	_, err := platform.Update(ctx, s.w, telling{a.ID, what}, func(ctx context.Context) (Alert, []platform.Change, error) {
		a, err := s.store.Alert(ctx, a.ID)
		if err != nil {
			return Alert{}, nil, err
		}
		next, err := a.sent(n, now)
		if err != nil {
			return Alert{}, nil, fmt.Errorf("notify of %s: %w", a.ID, err)
		}
		return next, []platform.Change{platform.Put(next), next.happened("notified").Because(string(what))}, nil
	})
	return err
}
