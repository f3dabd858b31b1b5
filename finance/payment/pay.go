package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Pay begins an attempt to pay an intent.
type Pay struct {
	Intent      platform.ID    `json:"intent" validate:"required,id=int"`
	Amount      platform.Money `json:"amount,omitzero"`                               // a part of what is still asked; if absent, all of it
	Method      string         `json:"method" validate:"required,max=255,printascii"` // the institution's token
	Institution string         `json:"institution,omitempty" validate:"max=64"`       // if empty, the first that takes the amount
}

// Subject is the intent to be paid.
func (p Pay) Subject() platform.Ref { return platform.Ref{Kind: "payment.intent", ID: p.Intent} }

// Pay begins an attempt and returns it as the institution left it: captured,
// failed with its reason, waiting for the payer (see Attempt.Action), or
// unknown. Its key, if it has one, belongs to the attempt: a repeat returns the
// same attempt as it is now. So does any other Pay while an attempt is under
// way; the institution sees one charge.
//
// It fails with ErrSecured, ErrNotPayable or ErrTooLate when nothing is to be
// paid, ErrExceedsRest or ErrAmount for a wrong part, ErrCardData for a card
// number, ErrUnlicensed or ErrNoChannel when no institution may be used,
// ErrBlocked when screening says so, and ErrNotFound for another payer's
// intent. With ErrUnavailable the institution was not reached: nothing was
// paid, and the attempt has failed.
//
// When ctx ends during the call, the outcome is recorded as unknown and settled
// by Tick.
func (s *Service) Pay(ctx context.Context, in Pay) (Attempt, error) {
	if cardNumber(in.Method) {
		return Attempt{}, platform.Wrong("method", ErrCardData)
	}
	verdict, err := s.screen(ctx, in)
	if err != nil {
		return Attempt{}, err
	}
	mine := s.w.NewChild("att", in.Intent)
	claimed, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		// What was screened may be paid as it was read, since it is in the set. It
		// may not be refused so: that is decided on what is read here.
		if seen := verdict.seen; seen != nil {
			verdict.seen = nil
			if a, changes, err := s.claim(ctx, in, *seen, mine, verdict); err == nil || len(changes) > 0 {
				return a, changes, err
			}
		}
		seen, err := s.payable(ctx, in)
		if err != nil {
			return Attempt{}, nil, err
		}
		return s.claim(ctx, in, seen, mine, verdict)
	})
	if active, ok := platform.Details(err)["attempt"].(platform.ID); ok && errors.Is(err, ErrAttemptActive) {
		return s.current(ctx, active)
	}
	if err != nil {
		return Attempt{}, err
	}
	if claimed.ID != mine { // the stored answer of a repeated key
		return s.current(ctx, claimed.ID)
	}
	return s.charge(ctx, claimed, in.Method)
}

// payable is what a payment is decided on.
type payable struct {
	intent       Intent
	institutions []Institution
}

// payable reads an intent and the records of the institutions in one trip.
func (s *Service) payable(ctx context.Context, in Pay) (payable, error) {
	found, err := s.store.Found(ctx, append([]platform.Ref{in.Subject()}, s.institutions...)...)
	if err == nil && len(found.Intents) == 0 {
		err = platform.NotFound(in.Subject())
	}
	if err == nil {
		err = s.visible(ctx, found.Intents[0].Payer, in.Subject())
	}
	if err != nil {
		return payable{}, err
	}
	return payable{found.Intents[0], found.Institutions}, nil
}

// claim decides on a new attempt.
func (s *Service) claim(ctx context.Context, in Pay, seen payable, id platform.ID, v verdict) (Attempt, []platform.Change, error) {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return Attempt{}, nil, err
	}
	now, i := s.w.Now(), seen.intent
	if err := i.MayPay(actor.Kind, now); err != nil {
		return Attempt{}, nil, err
	}
	if v.outcome == "block" {
		err := fmt.Errorf("pay %s: %w", i.ID, ErrBlocked)
		if len(v.changes) == 0 { // decided, and recorded, before
			return Attempt{}, nil, err
		}
		return Attempt{}, append(v.changes, platform.Unchanged(i), platform.Happened("payment.blocked", i.Ref(), nil)), err
	}
	a := Attempt{
		Head: platform.Head{ID: id}, Intent: i.ID, Subject: i.Subject, Payer: i.Payer, State: AttemptSent, Amount: in.amount(i),
		Operation: Operation{SentAt: now, Until: now.Add(s.opts.Answer), Due: now.Add(s.opts.Answer)},
	}
	next, err := i.Claim(a, actor.Kind)
	if err != nil {
		return Attempt{}, nil, err
	}
	var rests []platform.Change
	if a.Institution, rests, err = s.route(in, a.Amount, seen.institutions, now); err != nil {
		return Attempt{}, nil, fmt.Errorf("pay %s: %w", i.ID, err)
	}
	_, can := s.gateways[a.Institution].(Authorizer)
	a.Held = can && (s.opts.Later || i.Later)
	return a, append(append(v.changes, rests...), platform.Put(next), platform.Put(a), platform.Happened("payment.attempted", a.Ref(), a.facts())), nil
}

func (p Pay) amount(i Intent) platform.Money {
	if p.Amount.Absent() {
		return i.Rest()
	}
	return p.Amount
}

// charge calls the institution for an attempt that was just claimed, and
// records what it said.
func (s *Service) charge(ctx context.Context, a Attempt, method string) (Attempt, error) {
	g, err := s.gateway(a.Institution)
	if err != nil {
		return Attempt{}, err
	}
	if s.slept(a.Operation) {
		return s.current(ctx, a.ID)
	}
	call, cancel := context.WithTimeout(ctx, min(s.opts.Call, s.opts.Answer))
	defer cancel()
	take := g.Charge
	if a.Held {
		take = g.(Authorizer).Authorize // claimed so because the institution can
	}
	begun := s.w.Now()
	said, err := take(call, Charge{Key: a.Key(), Subject: a.Subject, Amount: a.Amount, Method: method})
	s.saw(ctx, a.Institution, begun, err)
	st, certain := told(said, err)
	next, err := s.record(context.WithoutCancel(ctx), a, record{Key: a.Key(), Status: st, Certain: certain, Doubts: true, Via: "answer", At: s.w.Now()})
	return s.answer(ctx, next, err, a.ID)
}

// answer is an attempt as it was recorded or, when somebody else had learnt all
// of it, as it is now.
func (s *Service) answer(ctx context.Context, recorded Attempt, err error, id platform.ID) (Attempt, error) {
	if errors.Is(err, ErrNothingNew) {
		return s.current(context.WithoutCancel(ctx), id)
	}
	if err != nil {
		return Attempt{}, err
	}
	return recorded.outcome()
}

// current is an attempt as it is now, to those who asked for it.
func (s *Service) current(ctx context.Context, id platform.ID) (Attempt, error) {
	a, err := s.store.Attempt(ctx, id)
	if err != nil {
		return a, err
	}
	return a.outcome()
}

// outcome is the attempt, and ErrUnavailable when the institution was not
// reached.
func (a Attempt) outcome() (Attempt, error) {
	if a.State == AttemptFailed && a.Reason == platform.Code(ErrUnavailable) {
		return a, fmt.Errorf("attempt %s: %w", a.ID, ErrUnavailable)
	}
	return a, nil
}

// verdict is what screening said, and of what; nil when nothing was screened.
type verdict struct {
	outcome string
	changes []platform.Change
	seen    *payable
}

// screen judges a payment before it is decided on, once: its event's id is
// stable under the command's key. A command that was answered before is not
// judged again, since by now it might look different.
func (s *Service) screen(ctx context.Context, in Pay) (verdict, error) {
	if s.ports.Screen == nil {
		return verdict{}, nil
	}
	if err := platform.Validate(in); err != nil {
		return verdict{}, err
	}
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return verdict{}, err
	}
	seen, err := s.payable(ctx, in)
	if err != nil {
		return verdict{}, err
	}
	i := seen.intent
	key, err := platform.KeyOf(ctx)
	if err != nil || s.answered(ctx, key) {
		return verdict{seen: &seen}, err
	}
	facts, err := json.Marshal(map[string]any{"customer": i.Payer, "amount": in.amount(i), "purpose": i.Purpose, "institution": in.Institution})
	if err != nil {
		return verdict{}, fmt.Errorf("pay %s: %w", i.ID, ErrAmount)
	}
	outcome, changes, err := s.ports.Screen.Screen(ctx, platform.Event{
		ID: s.eventID(key, i), Type: "payment.pay", Subject: i.Subject, Actor: actor, At: s.w.Now(), Data: facts,
	})
	if err != nil && !s.answered(ctx, key) { // a twin may have finished in between
		return verdict{}, fmt.Errorf("screen %s: %w", i.ID, err)
	}
	return verdict{outcome, slices.Clip(changes), &seen}, nil
}

// answered tells whether a command under the key has its answer already.
func (s *Service) answered(ctx context.Context, key platform.Key) bool {
	if key == (platform.Key{}) {
		return false
	}
	_, err := s.w.Store.Recall(ctx, key)
	return err == nil
}

func (s *Service) eventID(key platform.Key, i Intent) platform.ID {
	if key == (platform.Key{}) {
		return s.w.NewChild("evt", i.ID)
	}
	sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Name))
	return platform.NewID("evt", i.ID.Time(), i.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// facts are an attempt in an event: money as what was moved.
func (a Attempt) facts() any {
	return struct {
		Intent      platform.ID    `json:"intent,omitempty"`
		Institution string         `json:"institution,omitempty"`
		Amount      platform.Money `json:"amount"`
		Received    platform.Money `json:"received,omitzero"`
		Reason      string         `json:"reason,omitempty"`
		Due         time.Time      `json:"due,omitzero"`
	}{a.Intent, a.Institution, a.Amount, a.Received, a.Reason, a.Due}
}

// cardIn tells whether a text has a card number in it: digits that stand for
// themselves, or groups of them one after the other.
func cardIn(text string) bool {
	other := func(r rune) bool { return (r < '0' || r > '9') && r != ' ' && r != '-' }
	for run := range strings.FieldsFuncSeq(text, other) {
		groups := strings.FieldsFunc(run, func(r rune) bool { return r == ' ' || r == '-' })
		for from := range groups {
			for to := from + 1; to <= len(groups); to++ {
				digits := strings.Join(groups[from:to], "")
				if len(digits) > 19 {
					break
				}
				if cardNumber(digits) {
					return true
				}
			}
		}
	}
	return false
}

// cardNumber tells whether a text is a card number: 13 to 19 digits, perhaps
// grouped, whose last is the check digit of the others (ISO/IEC 7812-1 annex B).
func cardNumber(text string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(text)
	if len(digits) < 13 || len(digits) > 19 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	sum := 0
	for i, c := range []byte(digits) {
		d := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
