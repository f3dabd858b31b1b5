package dispute

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Offer is what one side would settle for.
type Offer struct {
	Side   Side           `json:"side" class:"internal"`
	Refund platform.Money `json:"refund" class:"internal"` // to the customer; the rest is the merchant's
	Hash   string         `json:"hash" class:"internal"`   // by which the other side agrees to just this
	At     time.Time      `json:"at" class:"internal"`
}

// offered is an offer of a side in a round.
func (d Dispute) offered(side Side, refund platform.Money, at time.Time) *Offer {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%s", d.ID, d.Round, side, refund))
	return &Offer{Side: side, Refund: refund, Hash: hex.EncodeToString(sum[:]), At: at}
}

// opened is a new dispute whose other side has the first turn. It fails with
// dispute.not_disputable, ErrOpen, ErrTooLate and dispute.amount.
func (d Dispute) opened(s standing, by platform.Actor, t Terms, at time.Time) (Dispute, error) {
	d.Customer, d.Merchant, d.Staff, d.Banked = s.Customer, s.Merchant, s.Staff, s.ChargedBack
	side, party := d.side(by)
	if !party {
		return Dispute{}, platform.NotFound(platform.Ref{Kind: "order", ID: d.Order})
	}
	next, err := d.take("open", side.kind())
	switch {
	case err != nil:
		return Dispute{}, err
	case s.Dispute != "":
		return Dispute{}, platform.Detail(fmt.Errorf("dispute order %s: %w", d.Order, ErrOpen), "dispute", s.Dispute)
	case !s.Disputable:
		return Dispute{}, platform.Detail(fmt.Errorf("dispute order %s: %w", d.Order, errNotDisputable), "state", s.State)
	case !s.Since.IsZero() && !at.Before(s.Since.Add(t.Window)), !s.Until.IsZero() && !at.Before(s.Until):
		return Dispute{}, fmt.Errorf("dispute order %s: %w", d.Order, ErrTooLate)
	}
	if next.Amount.Absent() {
		next.Amount = s.Left
	}
	if next.Amount.Sign() <= 0 || !within(next.Amount, s.Left) {
		return Dispute{}, platform.Detail(platform.Wrong("amount", errAmount), "left", s.Left)
	}
	if next.Claim = next.Amount; side == TheMerchant {
		next.Claim = less(next.Amount, next.Amount)
	}
	next.Kind, next.Opener, next.Round, next.OpenedAt = "service", side, 1, at
	return next.touched(by).toSpeak(t, at), nil
}

// Answered is the dispute after whose turn it is has contested the other's view, with
// an offer or without one. It fails with ErrTooLate after the deadline and with
// dispute.amount for an offer above what is held.
func (d Dispute) Answered(side Side, refund platform.Money, t Terms, at time.Time) (Dispute, error) {
	next, err := d.turn("answer", side, at)
	if err != nil {
		return Dispute{}, err
	}
	if next.Offer = nil; !refund.Absent() {
		if !within(refund, d.Amount) {
			return Dispute{}, platform.Wrong("refund", errAmount)
		}
		next.Offer = d.offered(side, refund, at)
		if side == TheCustomer && d.Opener == TheMerchant {
			next.Claim = refund
		}
	}
	return next.passed(side, t, at)
}

// turn takes a verb that only whose turn it is may, in time.
func (d Dispute) turn(verb string, side Side, at time.Time) (Dispute, error) {
	if d.State.turns() && d.Whose() != string(side) {
		return Dispute{}, fmt.Errorf("%s dispute %s: %w", verb, d.ID, ErrTurn)
	}
	next, err := d.take(verb, side.kind())
	if err == nil && d.late(at) {
		err = fmt.Errorf("%s dispute %s: %w", verb, d.ID, ErrTooLate)
	}
	return next, err
}

// passed gives the other side the turn. When every round is used the arbiter has it.
func (d Dispute) passed(side Side, t Terms, at time.Time) (Dispute, error) {
	if side == d.Opener {
		d.Round++
	}
	if d.Round > t.Rounds {
		d.Round = t.Rounds
		return d.escalated(platform.System, t, at)
	}
	return d.toSpeak(t, at), nil
}

// Conceded is the dispute that whose turn it is has given up: the other side gets
// what it wants, and nobody appeals.
func (d Dispute) Conceded(side Side, t Terms, at time.Time) (Dispute, error) {
	next, err := d.turn("concede", side, at)
	if err != nil {
		return Dispute{}, err
	}
	refund := d.Claim
	if side == TheCustomer {
		refund = less(d.Amount, d.Amount)
	}
	next.Waived = []Side{TheCustomer, TheMerchant}
	return next.ruled(t.ruling(d, "concession", refund, string(side), at)).until(at), nil
}

// Settles is the dispute whose parties agree on the offer that stands. It fails with
// ErrTerms unless the hash is that of the offer.
func (d Dispute) Settles(side Side, hash string, t Terms, at time.Time) (Dispute, error) {
	next, err := d.turn("settle", side, at)
	switch {
	case err != nil:
		return Dispute{}, err
	case d.Offer == nil || d.Offer.Side == side:
		return Dispute{}, fmt.Errorf("settle dispute %s: %w", d.ID, errNotSettleable)
	case d.Offer.Hash != hash:
		return Dispute{}, platform.Detail(fmt.Errorf("settle dispute %s: %w", d.ID, ErrTerms), "offer", d.Offer)
	}
	return next.ruled(t.ruling(d, "settlement", d.Offer.Refund, "", at)).until(at), nil
}

// Silent is the dispute whose turn has passed without a word. A silent merchant
// grants what the customer wants, unless the screening asked for a person; a
// customer who is silent twice leaves it to an arbiter, on file.
func (d Dispute) Silent(t Terms, at time.Time) (Dispute, error) {
	if !d.late(at) {
		return Dispute{}, fmt.Errorf("dispute %s: %w", d.ID, errStale)
	}
	if d.State == MerchantTurn {
		if d.Claim.Sign() <= 0 || d.Review {
			return d.escalated(platform.System, t, at)
		}
		next, err := d.take("grant", platform.System)
		if err != nil {
			return Dispute{}, err
		}
		return next.ruled(t.ruling(d, "silence", d.Claim, string(TheMerchant), at)).until(at.Add(t.Appeal)), nil
	}
	if d.Silences++; d.Silences > 1 {
		return d.escalated(platform.System, t, at)
	}
	next, err := d.take("pass", platform.System)
	if err != nil {
		return Dispute{}, err
	}
	return next.passed(TheCustomer, t, at)
}

// Escalated is the dispute before an arbiter: the evidence is closed. A side may ask
// for it once the time to agree is over.
func (d Dispute) Escalated(side Side, t Terms, at time.Time) (Dispute, error) {
	if at.Before(d.OpenedAt.Add(t.Escalate)) && d.State.turns() {
		return Dispute{}, platform.Detail(fmt.Errorf("escalate dispute %s: %w", d.ID, errNotEscalatable), "from", d.OpenedAt.Add(t.Escalate))
	}
	return d.escalated(side.kind(), t, at)
}

func (d Dispute) escalated(by platform.ActorKind, t Terms, at time.Time) (Dispute, error) {
	next, err := d.take("escalate", by)
	if err != nil {
		return Dispute{}, err
	}
	next.EscalatedAt, next.Offer = at, nil
	return next.until(t.Calendar.AddDays(at, t.Arbitration)), nil
}

// Withdraws is the dispute that its opener takes back.
func (d Dispute) Withdraws(side Side, at time.Time) (Dispute, error) {
	next, err := d.take("withdraw", side.kind())
	if err == nil && side != d.Opener {
		err = fmt.Errorf("withdraw dispute %s: %w", d.ID, ErrTurn)
	}
	next.Offer, next.Proposed, next.EndedAt = nil, nil, at
	return next.ended(), err
}

// ended has no deadline any more.
func (d Dispute) ended() Dispute {
	d.Deadline, d.Due, d.PausedAt = time.Time{}, time.Time{}, time.Time{}
	return d
}

// Appealing is the decided dispute that a side brings before another arbiter, once,
// in time, and with something new.
func (d Dispute) Appealing(side Side, reason string, pieces int, t Terms, at time.Time) (Dispute, error) {
	next, err := d.take("appeal", side.kind())
	if err != nil {
		return Dispute{}, err
	}
	known := func(turn Turn) bool { return turn.Reason == reason }
	switch {
	case d.late(at):
		return Dispute{}, fmt.Errorf("appeal dispute %s: %w", d.ID, ErrTooLate)
	case d.Ruling().Final || slices.Contains(d.Appeals, side) || slices.Contains(d.Waived, side):
		return Dispute{}, fmt.Errorf("appeal dispute %s: %w", d.ID, errAppealed)
	case pieces == 0 && slices.ContainsFunc(d.Turns, known):
		return Dispute{}, platform.Wrong("reason", errNothingNew)
	}
	next.Appeals = append(slices.Clip(d.Appeals), side)
	return next.until(t.Calendar.AddDays(at, t.Arbitration)), nil
}

// Waives is the dispute of which a side accepts the decision. When both do it is
// carried out at once.
func (d Dispute) Waives(side Side, at time.Time) (Dispute, error) {
	next, err := d.take("waive", side.kind())
	if err != nil {
		return Dispute{}, err
	}
	if d.late(at) || d.Ruling().Final || slices.Contains(d.Waived, side) {
		return Dispute{}, fmt.Errorf("waive dispute %s: %w", d.ID, errAppealed)
	}
	if next.Waived = append(slices.Clip(d.Waived), side); len(next.Waived) == 2 {
		next = next.until(at)
	}
	return next, nil
}
