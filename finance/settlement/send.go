package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Send returns the payout as it goes out, with time for the call until a moment.
// It fails with ErrSelf for somebody who approved it.
func (p Payout) Send(by platform.ActorKind, hands []platform.ID, at, until time.Time) (Payout, error) {
	next, err := p.move("send", by)
	if err != nil {
		return Payout{}, err
	}
	if by == platform.Operator {
		if p.approvedBy(hands) {
			return Payout{}, fmt.Errorf("send payout %s: %w", p.ID, ErrSelf)
		}
		next.Payers = hands
	}
	next.SentAt, next.Until, next.Due = at, until, until
	return next, nil
}

// SendPayout sends a payout that is approved.
type SendPayout struct {
	Payout platform.ID `json:"payout" validate:"required,id=pay"`
}

// Subject is the payout.
func (in SendPayout) Subject() platform.Ref { return platform.Ref{Kind: payoutKind, ID: in.Payout} }

// SendPayout holds the amount in the books, calls the institution under the
// payout's id as key, and returns the payout as it is then. Tick sends by itself
// what is approved. It is decided anew whether the party may be paid: ErrAccount,
// ErrFrozen, or ErrShort when less is free than was planned. An operator who
// approved it does not send it: ErrSelf. A repeat under its key calls nobody, and
// returns the payout as it is now.
func (s *Service) SendPayout(ctx context.Context, in SendPayout) (Payout, error) {
	p, mine, err := s.hold(ctx, in, in.Payout, nil)
	if err == nil && mine {
		err = s.call(ctx, p)
	}
	if err != nil && !errors.Is(err, ErrNoNews) { // a notice was faster than the answer
		return Payout{}, err
	}
	return read[Payout](context.WithoutCancel(ctx), s, payoutKind, in.Payout)
}

// begun is a payout that goes out, and who sends it.
type begun struct {
	Payout
	By uint64 `json:"by"`
}

// hold commits that a payout goes out: through its institution, or with a file. It
// is mine unless the answer is that of an earlier command under the same key.
func (s *Service) hold(ctx context.Context, in any, id platform.ID, file *File) (_ Payout, mine bool, err error) {
	by, err := s.actor(ctx, platform.Operator, platform.System)
	if err != nil {
		return Payout{}, false, fmt.Errorf("send payout %s: %w", id, err)
	}
	sender := s.w.IDs()
	b, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (begun, []platform.Change, error) {
		p, err := read[Payout](ctx, s, payoutKind, id)
		if err != nil {
			return begun{}, nil, err
		}
		if (p.Institution == "") != (file != nil) {
			return begun{}, nil, fmt.Errorf("send payout %s by its way: %w", p.ID, ErrPayout)
		}
		now := s.w.Now()
		next, err := p.Send(by.Kind, s.hands(by), now, now.Add(s.opts.Terms.Answer))
		if err != nil {
			return begun{}, nil, err
		}
		from := platform.Leg{Role: "clearing", Party: platform.ID(p.Institution)}
		if file != nil {
			next.File, next.Due, from.Role, from.Party = file.ID, time.Time{}, "bank", platform.ID(file.Bank)
		}
		checks, err := s.still(ctx, p, now)
		if err != nil {
			return begun{}, nil, err
		}
		legs, err := p.legs(from)
		if err != nil {
			return begun{}, nil, err
		}
		held, err := s.ports.Books.Post(ctx, "payout.sent", p.Ref(), now, legs)
		if err != nil {
			return begun{}, nil, fmt.Errorf("hold payout %s: %w", p.ID, err)
		}
		return begun{next, sender}, append(append(checks, held...), platform.Put(next), next.happened("sent")), nil
	})
	if platform.Code(err) == "floor" {
		err = fmt.Errorf("send payout %s: %w", id, ErrShort)
	}
	return b.Payout, b.By == sender, err
}

// still checks that a payout may be sent as it was planned.
func (s *Service) still(ctx context.Context, p Payout, at time.Time) ([]platform.Change, error) {
	a, err := read[Account](ctx, s, accountKind, p.Account)
	if err != nil {
		return nil, err
	}
	if err := a.Payable(s.opts.Terms, at); err != nil {
		return nil, err
	}
	if a.Details != p.Details {
		return nil, fmt.Errorf("send payout %s: %w", p.ID, ErrAccount)
	}
	checks, err := s.unheld(ctx, p.Party, at)
	if err != nil {
		return nil, fmt.Errorf("send payout %s: %w", p.ID, err)
	}
	return append(checks, platform.Unchanged(a)), nil
}

// call calls the institution for a payout that is held, and records its word. A
// call that cannot be made is not known, and looked into. A process that slept
// between hold and call makes none, and says ErrNoNews: the institution may have
// been asked meanwhile, and the payout given up.
func (s *Service) call(ctx context.Context, p Payout) error {
	if !s.w.Now().Before(p.Until) {
		return fmt.Errorf("send payout %s: %w", p.ID, ErrNoNews)
	}
	in := told{Outcome: "unknown", Reason: "payout.no_funds"}
	if s.ports.Funds != nil {
		call, cancel := context.WithTimeout(ctx, s.opts.Terms.Answer)
		defer cancel()
		var err error
		if in.Outcome, in.Reference, in.Reason, err = s.ports.Funds.PayOut(call, p.Institution, string(p.ID), p.Payee, p.Amount); err != nil {
			in = told{Outcome: "unknown", Reason: platform.Code(err)}
		}
	}
	_, err := s.record(s.system(ctx), p, in)
	return err
}

// LookPayout returns the payout after its institution was asked, also one that
// waits for a person, or that is paid and may have come back. It needs no key.
// Only operators may.
func (s *Service) LookPayout(ctx context.Context, in LookPayout) (Payout, error) {
	by, err := s.actor(ctx, platform.Operator, platform.System)
	if err == nil {
		err = platform.Validate(in)
	}
	if err == nil && s.w.Guard != nil {
		_, err = s.w.Guard.Permit(ctx, platform.Act{Actor: by, Action: "settlement.lookPayout", On: in.Subject()})
	}
	if err != nil {
		return Payout{}, fmt.Errorf("look up payout %s: %w", in.Payout, err)
	}
	return s.heard(ctx, in.Payout)
}

// ResolvePayout ends it. Only operators may, and not who released its file:
// ErrFourEyes. It fails with ErrPayout for one whose institution can be asked.
func (s *Service) ResolvePayout(ctx context.Context, in ResolvePayout) (Payout, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err == nil {
		err = platform.Validate(in)
	}
	if err == nil && s.w.Guard != nil {
		_, err = s.w.Guard.Permit(ctx, platform.Act{Actor: by, Action: "settlement.resolvePayout", On: in.Subject()})
	}
	if err != nil {
		return Payout{}, fmt.Errorf("resolve payout %s: %w", in.Payout, err)
	}
	word := told{in.Outcome, in.Reference, in.Reason}
	return s.learn(ctx, recorded{in.Payout, word}, func(p Payout) (Payout, error) {
		asks := p.File == "" && p.State != PayoutManual
		switch {
		case asks:
			return Payout{}, fmt.Errorf("resolve payout %s: %w", p.ID, ErrPayout)
		case meet(s.hands(by), p.Payers):
			return Payout{}, fmt.Errorf("resolve payout %s: %w", p.ID, ErrFourEyes)
		}
		return p.Learn(word, by.Kind, s.w.Now())
	})
}
