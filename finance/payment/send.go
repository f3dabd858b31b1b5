package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Send carries out a return.
type Send struct {
	Return platform.ID `json:"return" validate:"required,id=rtn"`
}

// Subject is the return.
func (c Send) Subject() platform.Ref { return platform.Ref{Kind: "payment.return", ID: c.Return} }

// Send gives the money back at the institution and returns the return as it is
// then: succeeded, failed and due again later, unknown, or manual. Tick sends by
// itself what is due; an operator may send at any time, also what is manual. Its
// key, if it has one, belongs to the first operation; a repeat returns the
// return as it is now.
//
// When shares of the payment must come back from their receivers first, it waits
// for them, and Tick goes on.
//
// When the payer's bank has taken back what is to be given back, nothing is sent:
// the return is manual, and goes out only when an operator sends it then.
//
// It fails with ErrNotSendable when the return is under way or over, with
// ErrNotDue before its time, and with ErrDenied for others than operators and
// the system.
func (s *Service) Send(ctx context.Context, in Send) (Return, error) {
	return s.send(ctx, in, s.w.Now())
}

func (s *Service) send(ctx context.Context, in Send, at time.Time) (Return, error) {
	r, mine, err := s.begin(ctx, in, s.w.IDs(), at)
	if err != nil {
		return Return{}, err
	}
	for mine && r.State == ReturnSent {
		next, told := s.refund(ctx, r, at)
		if told != nil && !errors.Is(told, ErrNothingNew) {
			return Return{}, told
		}
		by := s.w.IDs()
		if at = later(at, s.w.Now()); told == nil && !next.ready(at) {
			return next, nil
		}
		r, mine, err = s.begin(s.system(ctx), in, by, at) // the next part
		if errors.Is(err, platform.ErrState) {
			break
		}
		if err != nil {
			return Return{}, err
		}
	}
	return s.store.Return(context.WithoutCancel(ctx), in.Return)
}

// ready tells whether the next operation may go out by itself.
func (r Return) ready(at time.Time) bool {
	return (r.State == ReturnAsked || r.State == ReturnFailed) && !at.Before(r.Due)
}

// begun is a return whose next operation goes out, and who sends it.
type begun struct {
	Return
	By uint64 `json:"by"`
}

// begin claims the next operation of a return. It is mine unless the answer is
// that of an earlier command under the same key.
func (s *Service) begin(ctx context.Context, in Send, by uint64, at time.Time) (_ Return, mine bool, err error) {
	b, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (begun, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err != nil {
			return begun{}, nil, err
		}
		r, err := s.store.Return(ctx, in.Return)
		if err != nil {
			return begun{}, nil, err
		}
		next, err := r.Send(actor.Kind, at, s.until(at))
		if err != nil {
			return begun{}, nil, err
		}
		a, err := s.store.Attempt(ctx, r.Part().Attempt)
		if err != nil {
			return begun{}, nil, err
		}
		all, err := s.sharesOf(ctx, r)
		if err == nil && r.State == ReturnManual {
			err = all.regather(r, s.refundFirst, at)
		}
		if err != nil {
			return begun{}, nil, fmt.Errorf("send %s: %w", r.ID, err)
		}
		changes := all.changes()
		if all.blocked(r.Refund) {
			next, err := r.Gather(true, at)
			return begun{next, by}, append(changes, platform.Unchanged(a), platform.Put(next), next.event()), err
		}
		switch first := r.SentAt.IsZero() && (r.Done == 0 || r.Tries > 0); {
		case a.twice() && r.State != ReturnManual:
			next, err = r.Stop()
		case first && r.Refund != (platform.Ref{}):
			var told []platform.Change
			told, err = s.ports.Subject.Returned(ctx, r.Refund, r.Subject, "sent", nil, at)
			changes = append(changes, told...)
		}
		if err != nil {
			return begun{}, nil, fmt.Errorf("send %s: %w", r.ID, err)
		}
		return begun{next, by}, append(changes, platform.Unchanged(a), platform.Put(next), next.event()), nil
	})
	return b.Return, b.By == by, err
}

// refund calls the institution for an operation that was claimed, and records
// what it said; see recordReturn. The platform's own money is back as soon as
// that is recorded.
func (s *Service) refund(ctx context.Context, r Return, at time.Time) (Return, error) {
	p := r.Part()
	if p.own() {
		return s.recordReturn(context.WithoutCancel(ctx), r, record{Key: r.Key(), Status: Status{Outcome: Done, Amount: p.Amount}, Via: "own", At: at})
	}
	g, err := s.gateway(p.Institution)
	if err != nil {
		return Return{}, err
	}
	if s.slept(r.Operation) {
		return Return{}, fmt.Errorf("send %s: %w", r.ID, ErrNothingNew)
	}
	out := Refund{Key: r.Key(), Charge: p.charge(), Reference: p.Reference, Amount: p.Amount}
	call, cancel := context.WithTimeout(ctx, min(s.opts.Call, s.opts.Answer))
	defer cancel()
	begun := s.w.Now()
	said, err := g.Refund(call, out)
	s.saw(ctx, p.Institution, begun, err)
	st, certain := told(said, err)
	return s.recordReturn(context.WithoutCancel(ctx), r, record{Key: r.Key(), Status: st, Certain: certain, Doubts: true, Via: "answer", At: at})
}

// recordReturn writes down what was learnt of the current operation of a
// return, and returns it as it is then. It fails with ErrNothingNew when that
// was known already.
func (s *Service) recordReturn(ctx context.Context, r Return, in record) (Return, error) {
	return persist(ctx, s, in, func(ctx context.Context) (Return, []platform.Change, error) {
		found, err := s.store.Found(ctx, in.with(r.Ref())...)
		if err == nil && len(found.Returns) == 0 {
			err = platform.NotFound(r.Ref())
		}
		if err != nil {
			return Return{}, nil, err
		}
		now := found.Returns[0]
		if in.Key != now.Key() {
			return Return{}, nil, fmt.Errorf("operation %s: %w", in.Key, ErrNothingNew)
		}
		next, err := now.Learn(in.Status, in.Certain, in.At)
		if errors.Is(err, ErrNothingNew) && in.Doubts {
			next, err = now.Doubt(in.At)
		}
		if err != nil {
			return Return{}, nil, err
		}
		changes, err := s.returned(ctx, now, next, in.At)
		if err != nil {
			return Return{}, nil, err
		}
		if changes, err = in.notice.filed(found.Notices, changes); err != nil {
			return Return{}, nil, err
		}
		return next, append(changes, platform.Put(next), next.event().Because(in.Via)), nil
	})
}

// returned is what the return's new state means for its refund, or for the
// books when it is surplus that went back.
func (s *Service) returned(ctx context.Context, was, next Return, at time.Time) ([]platform.Change, error) {
	refused := next.State == ReturnFailed || next.State == ReturnManual && next.Calls > was.Calls
	done := next.State == ReturnSucceeded
	out, err := next.legs()
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	all, err := s.sharesOf(ctx, next)
	if err != nil {
		return nil, err
	}
	switch {
	case done:
		all.follow(next.Refund, at)
	case refused && next.State == ReturnManual:
		err = all.restore(next.Refund, false, at)
	}
	if err != nil {
		return nil, fmt.Errorf("return %s %s: %w", next.ID, next.State, err)
	}
	switch surplus := next.Refund == (platform.Ref{}); {
	case done && surplus:
		out = append(out, platform.Leg{Role: "surplus", Of: next.Subject.ID, Amount: next.Amount})
		changes, err = s.ports.Books.Post(ctx, "pay.returned", next.Ref(), at, out)
	case done:
		changes, err = s.ports.Subject.Returned(ctx, next.Refund, next.Subject, "succeeded", out, at)
	case refused && !surplus:
		changes, err = s.ports.Subject.Returned(ctx, next.Refund, next.Subject, "failed", nil, at)
	}
	if errors.Is(err, platform.ErrState) { // the money has moved: nobody may call that out of date
		err = fmt.Errorf("%w: %v", platform.ErrUnavailable, err) //nolint:errorlint // for that, the cause is only told
	}
	if err != nil {
		return nil, fmt.Errorf("return %s %s: %w", next.ID, next.State, err)
	}
	return append(changes, all.changes()...), nil
}

// sharesOf are the sharings of what a return is of; in funds mode platform, and of
// surplus, there are none.
func (s *Service) sharesOf(ctx context.Context, r Return) (*sharings, error) {
	if !s.splits || r.Refund == (platform.Ref{}) {
		return sharingsOf(nil), nil
	}
	known, err := sharingsIn(ctx, s.store, r.Subject)
	return sharingsOf(known), err
}

// refundFirst tells whether an institution gives refunds before shares are taken
// back.
func (s *Service) refundFirst(institution string) bool {
	g, ok := s.gateways[institution]
	return ok && g.Info().RefundFirst
}

// event says what became of the return.
func (r Return) event() platform.Change {
	return platform.Happened("payment.return_"+string(r.State), r.Ref(), r.facts())
}

// facts are a return in an event.
func (r Return) facts() any {
	return struct {
		Subject platform.Ref   `json:"subject"`
		Refund  platform.Ref   `json:"refund,omitzero"`
		Amount  platform.Money `json:"amount"`
		Key     Key            `json:"key"`
		Done    int            `json:"done,omitempty"`
		Reason  string         `json:"reason,omitempty"`
		Due     time.Time      `json:"due,omitzero"`
	}{r.Subject, r.Refund, r.Amount, r.Key(), r.Done, r.Reason, r.Due}
}
