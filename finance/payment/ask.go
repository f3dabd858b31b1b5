package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Asks is payment as other domains see it: they ask for money, cancel, and give
// back, each in their own set. It may be used by several goroutines at once.
type Asks struct {
	Store        Store
	Institutions []string // whose charges may be taken over: those that give back here
}

// Ask asks for amount in all for a subject and purpose, by due (zero for no
// limit). The payer is the customer who acts in ctx. It writes the intent, see
// [IntentID]; asking again changes it, see [Intent.Ask] for the refusals.
func (a Asks) Ask(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error) {
	return a.ask(ctx, subject, Purpose(purpose), amount, due, false)
}

// Hold asks as [Asks.Ask] does, for money that is only held where the institution
// can ([Authorizer]), until [Asks.Capture]. Elsewhere it is taken at once.
func (a Asks) Hold(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error) {
	return a.ask(ctx, subject, Purpose(purpose), amount, due, true)
}

func (a Asks) ask(ctx context.Context, subject platform.Ref, purpose Purpose, amount platform.Money, due time.Time, later bool) ([]platform.Change, error) {
	if !slices.Contains(purposes, purpose) {
		return nil, fmt.Errorf("ask %s: %w", subject, ErrPurpose)
	}
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	id := IntentID(subject, purpose)
	i, err := a.Store.Intent(ctx, id)
	switch {
	case errors.Is(err, platform.ErrNotFound):
		i = Intent{Head: platform.Head{ID: id}, Subject: subject, Purpose: purpose}
	case err != nil:
		return nil, err
	}
	if payer := actor.For(); i.Payer == "" && (actor.Kind == platform.Customer || actor.OnBehalf != "") {
		i.Payer = payer
	}
	next, err := i.Ask(amount, due)
	if err != nil {
		return nil, err
	}
	next.Later = later
	return []platform.Change{platform.Put(next), platform.Happened("payment.asked", next.Ref(), next.facts())}, nil
}

// Cancel asks no more for a subject: each of its intents that is not paid in
// full is cancelled, and the others are demanded unchanged. What was paid in
// part stays until it is given back; what an authorisation holds is let go of. It fails with ErrAttemptActive while the
// outcome of an attempt is still to come; money of an attempt that waits for an
// operator becomes surplus.
func (a Asks) Cancel(ctx context.Context, subject platform.Ref) ([]platform.Change, error) {
	found, err := a.Store.Found(ctx, asked(subject)...)
	if err != nil {
		return nil, err
	}
	changes, err := a.idle(ctx, found.Intents)
	if err == nil {
		var released []platform.Change
		released, err = a.release(ctx, found.Intents)
		changes = append(changes, released...)
	}
	if err != nil {
		return nil, fmt.Errorf("cancel %s: %w", subject, err)
	}
	for _, i := range found.Intents {
		if i.ended() || i.State == IntentCaptured {
			changes = append(changes, platform.Unchanged(i))
			continue
		}
		next, err := i.Cancel()
		if err != nil {
			return nil, err
		}
		changes = append(changes, platform.Put(next), platform.Happened("payment.cancelled", next.Ref(), next.facts()))
	}
	return changes, nil
}

// release lets go of all that is held for these intents.
func (a Asks) release(ctx context.Context, intents []Intent) ([]platform.Change, error) {
	var ids []platform.ID
	for _, i := range intents {
		ids = append(ids, i.Held...)
	}
	held, err := a.Store.Attempts(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	for _, h := range held {
		if h.State == AttemptReleasing {
			continue
		}
		next, err := h.Release(h.Reference, platform.System, h.EndedAt)
		if err != nil {
			return nil, err
		}
		changes = append(changes, platform.Put(next), next.event())
	}
	return changes, nil
}

// idle are the checks that no outcome of these intents is still to come.
func (a Asks) idle(ctx context.Context, intents []Intent) ([]platform.Change, error) {
	busy := slices.DeleteFunc(slices.Clone(intents), func(i Intent) bool { return i.Active == "" || i.ended() })
	ids := make([]platform.ID, len(busy))
	for n, i := range busy {
		ids[n] = i.Active
	}
	tried, err := a.Store.Attempts(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var checks []platform.Change
	for n, t := range tried {
		if t.Open() {
			return nil, busy[n].busy("cancel")
		}
		checks = append(checks, platform.Unchanged(t))
	}
	return checks, nil
}

// Return begins to give an amount back for a refund, from the payments of the
// subject. What the platform paid itself, see [Service.Promote], goes back to
// the platform: it and the payer share all that is given back as they paid, by
// largest remainder. Of each, the last payment goes back first. It writes the
// return, whose id is the refund's under the prefix rtn, and the attempts that
// it takes from. It fails with ErrAmount unless the amount is positive, and with
// ErrReturnExceeds when less was paid and not given back.
func (a Asks) Return(ctx context.Context, refund, subject platform.Ref, amount platform.Money, at time.Time) ([]platform.Change, error) {
	found, err := a.Store.Found(ctx, asked(subject)...)
	if err != nil {
		return nil, err
	}
	var paid []platform.ID
	for _, i := range found.Intents {
		paid = append(paid, i.Paid...)
	}
	attempts, err := a.Store.Attempts(ctx, paid...)
	if err != nil {
		return nil, err
	}
	begun := Return{Head: platform.Head{ID: refund.ID.As("rtn")}, Subject: subject, Refund: refund, State: ReturnAsked, Amount: amount, Operation: Operation{Due: at}}
	next, taken, err := giveBack(begun, attempts)
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Put(next), platform.Happened("payment.return_asked", next.Ref(), next.facts())}
	for _, t := range taken {
		changes = append(changes, platform.Put(t))
	}
	return changes, nil
}

// Withdraw gives up the return of a refund before anything was sent, so that
// its money is free at once. It writes the return and the attempts that it took
// from. It fails with ErrNotSendable when the return was sent already.
func (a Asks) Withdraw(ctx context.Context, refund platform.Ref, at time.Time) ([]platform.Change, error) {
	r, err := a.Store.Return(ctx, refund.ID.As("rtn"))
	if err != nil {
		return nil, err
	}
	next, err := r.Withdraw(at)
	if err != nil {
		return nil, err
	}
	taken := make([]platform.ID, len(r.Parts))
	for i, p := range r.Parts {
		taken[i] = p.Attempt
	}
	attempts, err := a.Store.Attempts(ctx, taken...)
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Put(next), next.event()}
	for i, p := range r.Parts {
		freed, err := attempts[i].returning(p.Amount.Neg())
		if err != nil {
			return nil, fmt.Errorf("withdraw %s: %w", r.ID, err)
		}
		changes = append(changes, platform.Put(freed))
	}
	return changes, nil
}

// facts are an intent in an event.
func (i Intent) facts() any {
	return struct {
		Subject platform.Ref   `json:"subject"`
		Purpose Purpose        `json:"purpose"`
		Asked   platform.Money `json:"asked"`
		Secured platform.Money `json:"secured"`
		Due     time.Time      `json:"due,omitzero"`
	}{i.Subject, i.Purpose, i.Asked, i.Secured, i.Due}
}
