package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// looks are the waits before the institution is asked again; after the last, an
// hour each, and after patience a person finds out.
var looks = [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}

const patience = 24 * time.Hour

// A bank may take its time with what the institution has accepted.
const (
	bankTakes = 7 * 24 * time.Hour
	bankLooks = 6 * time.Hour
)

// watches are when a payout that is paid is looked up, should it have come back.
var watches = [...]time.Duration{48 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// told is an institution's word on a payout, or an operator's who asked the bank.
type told struct {
	Outcome, Reference, Reason string
}

// Learn returns the payout as the word leaves it: paid, failed, or back. What is
// not known is asked about on a ladder, for a day, and then waits for a person;
// what the institution has accepted, for a week.
// It fails with ErrNoNews when the word says nothing that was not known.
func (p Payout) Learn(in told, by platform.ActorKind, at time.Time) (Payout, error) {
	var next Payout
	var err error
	switch in.Outcome {
	case "paid":
		if p.State == PayoutPaid {
			return p.watched(at)
		}
		next, err = p.move("pay", by)
		next.PaidAt, next.Due, next.Looks, next.Absent = at, at.Add(watches[0]), 0, false
	case "failed":
		next, err = p.move("fail", by)
		next.EndedAt, next.Due = at, time.Time{}
	case "returned":
		next, err = p.move("return", by)
		next.EndedAt, next.Due = at, time.Time{}
	default:
		if p.State == PayoutPaid {
			return p.watched(at)
		}
		return p.waits(in, at)
	}
	if err != nil {
		return Payout{}, err
	}
	if next.Reason = in.Reason; in.Reference != "" {
		next.Reference = in.Reference
	}
	return next, nil
}

// waits is a payout of which nothing is known for certain, or that it never
// arrived: it goes out again under the same key then.
func (p Payout) waits(in told, at time.Time) (Payout, error) {
	verb, end := "doubt", p.SentAt.Add(patience)
	accepted := in.Outcome == "unknown" && in.Reason == ""
	if p.Accepted = p.Accepted || accepted; p.Accepted {
		end = p.SentAt.Add(bankTakes)
		if in.Outcome == "absent" { // which is no reason to send it twice
			in.Outcome, in.Reason = "unknown", "payment.mismatch"
		}
	}
	switch {
	case !at.Before(end):
		verb = "park"
	case accepted, in.Outcome == "absent":
		verb = "wait"
	}
	next, err := p.move(verb, platform.System)
	if err != nil {
		return Payout{}, err
	}
	next.Absent, next.Reason, next.Looks = in.Outcome == "absent", in.Reason, p.Looks+1
	if in.Reference != "" {
		next.Reference = in.Reference
	}
	wait := time.Hour
	switch {
	case p.Looks < len(looks):
		wait = looks[p.Looks]
	case p.Accepted && !at.Before(p.SentAt.Add(patience)):
		wait = bankLooks
	}
	if next.Due = at.Add(wait); next.Due.After(end) {
		next.Due = end
	}
	if next.State == PayoutManual {
		next.Due = time.Time{}
	}
	return next, nil
}

// watched is a paid payout that has not come back yet.
func (p Payout) watched(at time.Time) (Payout, error) {
	if p.Due.IsZero() || at.Before(p.Due) {
		return Payout{}, fmt.Errorf("payout %s: %w", p.ID, ErrNoNews)
	}
	next, err := p.move("watch", platform.System)
	if next.Looks, next.Due = p.Looks+1, (time.Time{}); next.Looks < len(watches) {
		next.Due = p.PaidAt.Add(watches[next.Looks])
	}
	return next, err
}

// again is a payout that never arrived, as it goes out once more.
func (p Payout) again(until time.Time) (Payout, error) {
	if !p.Absent {
		return Payout{}, fmt.Errorf("send payout %s again: %w", p.ID, ErrNoNews)
	}
	next, err := p.move("again", platform.System)
	next.Absent, next.Until, next.Due = false, until, until
	return next, err
}

// look asks the institution how a payout stands, and records its word.
func (s *Service) look(ctx context.Context, p Payout) (Payout, error) {
	in := told{Outcome: "unknown", Reason: "payout.no_funds"}
	if s.ports.Funds != nil {
		call, cancel := context.WithTimeout(ctx, s.opts.Terms.Answer)
		defer cancel()
		var err error
		if in.Outcome, in.Reference, in.Reason, err = s.ports.Funds.LookUp(call, p.Institution, string(p.ID), p.Payee, p.Amount, p.Until); err != nil {
			in = told{Outcome: "unknown", Reason: platform.Code(err)}
		}
	}
	return s.record(s.system(ctx), p, in)
}

// recorded is the last step of a call.
type recorded struct {
	Payout platform.ID `json:"payout"`
	told
}

// Subject is the payout.
func (in recorded) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }

// record writes the word down, however often others get in between. One that came
// back before anybody had heard that it was paid is both, one after the other; one
// that was paid, and failed after all, came back.
func (s *Service) record(ctx context.Context, p Payout, in told) (Payout, error) {
	if in.Outcome == "failed" && p.State == PayoutPaid {
		in.Outcome = "returned"
	}
	if in.Outcome == "returned" && p.State != PayoutPaid {
		paid, err := s.record(ctx, p, told{Outcome: "paid", Reference: in.Reference})
		if err != nil && !errors.Is(err, ErrNoNews) {
			return Payout{}, err
		}
		if p = paid; err != nil {
			if p, err = read[Payout](ctx, s, payoutKind, p.ID); err != nil {
				return Payout{}, err
			}
		}
	}
	for {
		next, err := s.learn(ctx, recorded{p.ID, in}, func(now Payout) (Payout, error) {
			if now.Version != p.Version && in.Outcome != "paid" && in.Outcome != "failed" && in.Outcome != "returned" {
				return Payout{}, fmt.Errorf("payout %s: %w", p.ID, ErrNoNews) // somebody else heard as much
			}
			return now.Learn(in, platform.System, s.w.Now())
		})
		if code := platform.Code(err); !errors.Is(err, platform.ErrConflict) || code == "exists" || code == "taken" {
			return next, err
		}
	}
}

// learn commits what was learnt of a payout, and what follows: the hold is settled
// or freed, what came back is booked, and an account that took no money has to be
// verified anew.
func (s *Service) learn(ctx context.Context, in recorded, decide func(Payout) (Payout, error)) (Payout, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Payout, []platform.Change, error) {
		p, err := read[Payout](ctx, s, payoutKind, in.Payout)
		if err != nil {
			return Payout{}, nil, err
		}
		next, err := decide(p)
		if err != nil {
			return Payout{}, nil, err
		}
		now := s.w.Now()
		var set []platform.Change
		what, moved := string(next.State), next.State != p.State
		if !moved || next.State == PayoutSending {
			what = "waited"
		}
		if moved && slices.Contains(over, next.State) {
			set, err = s.booked(ctx, next, now)
		}
		if err == nil && moved && next.State == PayoutFailed {
			var r Run
			if r, err = read[Run](ctx, s, runKind, next.Run); err == nil {
				set = append(set, next.dropped(r)...)
			}
		}
		if err != nil {
			return Payout{}, nil, fmt.Errorf("record payout %s: %w", p.ID, err)
		}
		if next.State == PayoutReturned || next.State == PayoutFailed && next.Reason != "payment.refused" && !p.Absent {
			doubted, err := s.doubted(ctx, next, now)
			if err != nil {
				return Payout{}, nil, err
			}
			set = append(set, doubted...)
		}
		return next, append(set, platform.Put(next), next.happened(what)), nil
	})
}

// from is the account out of which a payout went.
func (s *Service) from(ctx context.Context, p Payout) (platform.Leg, error) {
	if p.File == "" {
		return platform.Leg{Role: "clearing", Party: platform.ID(p.Institution)}, nil
	}
	f, err := read[File](ctx, s, fileKind, p.File)
	return platform.Leg{Role: "bank", Party: platform.ID(f.Bank)}, err
}

// booked is what a payout's new state means in the books.
func (s *Service) booked(ctx context.Context, p Payout, at time.Time) ([]platform.Change, error) {
	var legs []platform.Leg
	if p.State == PayoutReturned {
		to, err := s.from(ctx, p)
		if err != nil {
			return nil, err
		}
		if legs, err = p.back(to); err != nil {
			return nil, err
		}
	}
	return s.ports.Books.Post(ctx, "payout."+string(p.State), p.Ref(), at, legs)
}

// doubted is the account rejected, unless it was changed since.
func (s *Service) doubted(ctx context.Context, p Payout, at time.Time) ([]platform.Change, error) {
	a, err := read[Account](ctx, s, accountKind, p.Account)
	if err != nil {
		return nil, err
	}
	if a.Details != p.Details || a.State != AccountVerified {
		return []platform.Change{platform.Unchanged(a)}, nil
	}
	next, err := a.Reject("payout_"+string(p.State), platform.System, s.opts.Terms, at)
	if err != nil {
		return nil, err
	}
	return []platform.Change{platform.Put(next), next.happened("rejected").Because("payout_" + string(p.State))}, nil
}

// LookPayout asks the institution about a payout now.
type LookPayout struct {
	Payout platform.ID `json:"payout" validate:"required,id=pay"`
}

// Subject is the payout.
func (in LookPayout) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }

// Heard looks a payout up of which the institution told something, by its key. It
// fails with ErrNotFound for a key that is none.
func (s *Service) Heard(ctx context.Context, key string) error {
	_, err := s.heard(s.system(ctx), platform.ID(key))
	return err
}

func (s *Service) heard(ctx context.Context, id platform.ID) (Payout, error) {
	p, err := read[Payout](ctx, s, payoutKind, id)
	if err != nil || p.SentAt.IsZero() || p.Institution == "" || p.State == PayoutFailed || p.State == PayoutReturned {
		return p, err
	}
	next, err := s.look(ctx, p)
	if errors.Is(err, ErrNoNews) {
		return read[Payout](ctx, s, payoutKind, id)
	}
	return next, err
}

// ResolvePayout tells what an operator found at the bank about a payout that no
// institution answers for: of a bank file, or that waits for a person.
type ResolvePayout struct {
	Payout    platform.ID `json:"payout" validate:"required,id=pay"`
	Outcome   string      `json:"outcome" validate:"oneof=paid failed returned"`
	Reference string      `json:"reference,omitempty" validate:"text=64"`       // the bank's
	Reason    string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the payout.
func (in ResolvePayout) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }
