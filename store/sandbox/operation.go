package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

const (
	actWithin    = 15 * time.Minute   // how long a payer has for an action
	heldFor      = 7 * 24 * time.Hour // how long an authorisation holds
	bankTakes    = time.Minute        // until a payout is paid or fails
	bankReturns  = 24 * time.Hour     // until a payout that bounces is back
	answerWithin = 7 * 24 * time.Hour // how long there is for the evidence in a dispute
)

// kind is what an operation does; it is the first word of its notices.
type kind string

const (
	charging    kind = "charge"
	refunding   kind = "refund"
	authorizing kind = "authorization"
	capturing   kind = "capture"
	voiding     kind = "void"
	splitting   kind = "split"
	returning   kind = "split_return"
	payingOut   kind = "payout"
	disputing   kind = "dispute"  // the payer's bank takes money back, and may give it again
	reversing   kind = "reversal" // the institution takes money back
)

// marks are the first letters of the institution's own names of operations.
var marks = map[kind]string{
	charging: "ch", refunding: "re", authorizing: "au", capturing: "ca", voiding: "vo",
	splitting: "sp", returning: "sr", payingOut: "po", disputing: "dp", reversing: "rv",
}

// charge tells whether money comes in by operations of this kind.
func (k kind) charge() bool { return k == charging || k == capturing }

// operation is an entry in the institution's books. How it stands follows from
// the moment: nothing has to run for it to land.
type operation struct {
	no        int // of arrival
	kind      kind
	key       payment.Key
	of        payment.Key // what it gives back, takes, hands on or disputes; empty for what stands alone
	foreign   bool        // made there by somebody else: the key is not ours
	method    string
	account   string // of a payout and of the return of a share
	shares    []payment.Share
	final     bool           // of a capture and a split: the last
	amount    platform.Money // asked
	moved     platform.Money // once it has landed
	left      platform.Money // of a charge and an authorisation: what others have not taken
	closed    bool           // of a charge: no more splits; of an authorisation: no more captures
	reference string
	code      string    // why it was declined; empty when it was not; of a dispute: its reason
	action    bool      // waits for the payer
	acted     bool      // the payer came; of a dispute: evidence did
	arrives   time.Time // from when on the institution knows it
	lands     time.Time // from when on it is decided
	back      time.Time // of a payout: from when on it is back; of a dispute: since when it is won
}

func (o *operation) status(now time.Time) payment.Status {
	st := payment.Status{Key: o.key, Amount: o.amount, Reference: o.reference}
	switch {
	case now.Before(o.arrives):
		return payment.Status{Key: o.key, Outcome: payment.Absent}
	case o.action && !o.acted && now.Before(o.lands):
		st.Outcome, st.Until = payment.NeedsAction, o.lands
		st.Action = "https://sandbox.invalid/act/" + string(o.key)
	case o.action && !o.acted:
		st.Outcome, st.Code = payment.Declined, "expired"
	case now.Before(o.lands):
		st.Outcome = payment.Pending
	case o.code != "":
		st.Outcome, st.Code = payment.Declined, o.code
	case o.kind == authorizing:
		o.authorized(&st, now)
	case !o.back.IsZero() && !now.Before(o.back):
		st.Outcome, st.Amount = payment.Returned, o.moved
	default:
		st.Outcome, st.Amount = payment.Done, o.moved
	}
	return st
}

// authorized is how an authorisation stands that was given.
func (o *operation) authorized(st *payment.Status, now time.Time) {
	st.Outcome, st.Amount, st.Until = payment.Done, o.moved, o.lands.Add(heldFor)
	if o.left != o.moved || !o.ended(now) {
		return // a part was captured, or may still be
	}
	st.Outcome, st.Code = payment.Declined, "expired"
	if o.closed {
		st.Code = "voided"
	}
}

// ended tells whether nothing can be captured any more.
func (o *operation) ended(now time.Time) bool {
	return o.closed || !now.Before(o.lands.Add(heldFor))
}

// arrived are the shares that reached their accounts.
func (o *operation) arrived() []payment.Share {
	if o.moved != o.amount {
		return o.shares[:len(o.shares)-1]
	}
	return o.shares
}

// fate is what becomes of a new operation.
type fate string

// The fates; a method token forces the one of the same name.
const (
	well     fate = OK
	declined fate = Decline
	action   fate = RequiresAction
	delayed  fate = Delay
	timeout  fate = Timeout
	broken   fate = Broken
	hung     fate = Hang
	lost     fate = Lost
	late     fate = Late
	down     fate = Down
	short    fate = Short
	bounced  fate = Bounce
)

// chance is a fate and how often it strikes.
type chance struct {
	fate fate
	rate float64
}

func (s *Sandbox) strike(purpose string, k payment.Key, chances ...chance) fate {
	at := s.dice(purpose, k)
	for _, c := range chances {
		if at -= c.rate; at < 0 {
			return c.fate
		}
	}
	return well
}

// tokens are the method tokens that force an outcome.
var tokens = []string{OK, Decline, RequiresAction, Delay, Timeout, Broken, Hang, Lost, Late, Down, Short, Bounce}

// fate is what becomes of an operation, and the code if it is declined.
func (s *Sandbox) fate(o operation) (f fate, code string) {
	token, forced := s.forced[o.key]
	delete(s.forced, o.key)
	if !forced {
		token = o.method
	}
	name, code, coded := strings.Cut(token, ":")
	if !coded {
		code = "card_declined"
	}
	if slices.Contains(tokens, name) {
		return fate(name), code
	}
	d := s.opts.Faults
	if o.kind == charging || o.kind == authorizing {
		if o.method == NoRefund {
			return well, code
		}
		return s.strike("charge", o.key, chance{declined, d.Decline}, chance{delayed, d.Delay}, chance{timeout, d.Timeout},
			chance{lost, d.Lost}, chance{late, d.Late}, chance{down, d.Down}, chance{short, d.Short}), code
	}
	if of := s.operations[o.of]; o.kind == refunding && of.method == NoRefund {
		return declined, code
	}
	return s.strike(string(o.kind), o.key, chance{declined, d.RefundDecline}, chance{delayed, d.RefundDelay}, chance{timeout, d.RefundTimeout},
		chance{lost, d.LostRefund}, chance{down, d.RefundDown}), code
}

// errHung is an answer that does not come while the caller waits.
var errHung = errors.New("no answer")

// carryOut enters a new operation into the books, as fate has it, and answers.
func (s *Sandbox) carryOut(o operation) (payment.Status, error) {
	now := s.opts.Now()
	f, code := s.fate(o)
	o.arrives, o.lands, o.moved = now, now, o.amount
	if o.kind == payingOut {
		o.lands = now.Add(bankTakes)
	}
	switch f {
	case down:
		return payment.Status{Key: o.key}, fmt.Errorf("reach %s for %s: %w", s.opts.Name, o.key, payment.ErrRetryable)
	case lost:
		return payment.Status{Key: o.key}, fmt.Errorf("answer for %s: %w", o.key, payment.ErrUnknownOutcome)
	case declined:
		o.code = code
	case action:
		o.action, o.lands = true, now.Add(actWithin)
	case delayed:
		o.lands = now.Add(time.Minute)
	case timeout:
		o.arrives = now.Add(time.Duration(1+s.dice("timeout", o.key)*20) * time.Second)
		o.lands = o.arrives
	case late:
		o.arrives = now.Add(time.Hour)
		o.lands = o.arrives
	case bounced:
		o.back = o.lands.Add(bankReturns)
	case short:
		var err error
		if o.moved, err = shortened(o); err != nil {
			return payment.Status{Key: o.key}, fmt.Errorf("%s %s: %w", o.kind, o.key, payment.ErrRefused)
		}
	}
	s.enter(&o)
	s.announce(&o, f)
	switch f {
	case timeout, late, broken:
		return payment.Status{Key: o.key}, fmt.Errorf("answer for %s: %w", o.key, payment.ErrUnknownOutcome)
	case hung:
		return payment.Status{Key: o.key}, errHung
	}
	return answered(o.status(now))
}

// shortened is what moves when not all of it does: a split without its last
// share, anything else without its last minor unit.
func shortened(o operation) (platform.Money, error) {
	if n := len(o.shares); n > 0 {
		return o.amount.Sub(o.shares[n-1].Amount)
	}
	unit, err := platform.FromMinor(1, o.amount.Currency())
	if err != nil {
		return platform.Money{}, err
	}
	return o.amount.Sub(unit)
}

// repeat answers for an operation that is known by its key.
func (s *Sandbox) repeat(known *operation, asked operation) (payment.Status, error) {
	if !known.same(asked) {
		return payment.Status{Key: asked.key}, fmt.Errorf("key %s with other content: %w", asked.key, payment.ErrRefused)
	}
	st := known.status(s.opts.Now())
	if st.Outcome == payment.Absent { // still under way
		return st, fmt.Errorf("answer for %s: %w", asked.key, payment.ErrUnknownOutcome)
	}
	return answered(st)
}

// same tells whether the operation was asked for in these words.
func (o *operation) same(asked operation) bool {
	return o.kind == asked.kind && o.amount == asked.amount && o.method == asked.method && o.of == asked.of &&
		o.account == asked.account && o.final == asked.final && slices.Equal(o.shares, asked.shares)
}

func answered(st payment.Status) (payment.Status, error) {
	if st.Outcome == payment.Declined {
		return st, fmt.Errorf("%s %s: %w", st.Key, st.Code, payment.ErrDeclined)
	}
	return st, nil
}

// charge is the charge that a refund names, by key or by reference.
func (s *Sandbox) charge(k payment.Key, reference string) *operation {
	if k == "" {
		return s.charges[reference]
	}
	if o := s.operations[k]; o != nil && o.kind.charge() {
		return o
	}
	return nil
}

// covered refuses an operation for which there is not enough, or not any more.
func (s *Sandbox) covered(o operation) error {
	now := s.opts.Now()
	if o.kind == payingOut {
		has, err := s.balance(o.account, o.amount.Currency(), now)
		return within(o.amount, has, err)
	}
	of := s.operations[o.of]
	if of == nil {
		return nil // stands alone
	}
	if of.status(now).Outcome != payment.Done {
		return payment.ErrRefused
	}
	switch o.kind {
	case capturing, voiding:
		if of.ended(now) {
			return payment.ErrRefused
		}
		if o.kind == voiding { // whatever was captured before
			return nil
		}
	case splitting:
		if of.closed || slices.ContainsFunc(o.shares, func(share payment.Share) bool { return !s.accounts[share.Account] }) {
			return payment.ErrRefused
		}
	case returning:
		has, err := s.unreturned(of, o.account)
		return within(o.amount, has, err)
	case refunding:
		has, err := s.refundable(of)
		return within(o.amount, has, err)
	}
	return within(o.amount, of.left, nil)
}

// refundable is what a charge has left to be refunded: with RefundFirst the shares
// that went out of it, too.
func (s *Sandbox) refundable(charge *operation) (left platform.Money, err error) {
	left = charge.left
	if !s.opts.RefundFirst {
		return left, nil
	}
	for _, o := range s.splits[charge.key] {
		for _, share := range o.arrived() {
			has, failed := s.unreturned(o, share.Account)
			if err = errors.Join(err, failed); err == nil && o.code == "" {
				left, err = left.Add(has)
			}
		}
	}
	return left, err
}

// within refuses an amount that is more than there is.
func within(amount, has platform.Money, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", payment.ErrRefused, err)
	}
	if over, err := amount.Cmp(has); err != nil || over > 0 {
		return payment.ErrRefused
	}
	return nil
}

// unreturned is what an account still has of a split.
func (s *Sandbox) unreturned(split *operation, account string) (platform.Money, error) {
	left, err := platform.FromMinor(0, split.amount.Currency())
	for _, share := range split.arrived() {
		if err == nil && share.Account == account {
			left, err = left.Add(share.Amount)
		}
	}
	for _, r := range s.returns[split.key] {
		if err == nil && r.account == account && r.code == "" {
			left, err = left.Sub(r.amount)
		}
	}
	return left, err
}

// enter writes a new operation into the books, under the institution's own name
// of it. One that is not declined takes from what it is of at once, though it
// lands later.
func (s *Sandbox) enter(o *operation) {
	o.reference = fmt.Sprintf("%s_%s_%d", marks[o.kind], s.opts.Name, len(s.order)+1)
	o.left = o.moved
	s.index(o)
	of := s.operations[o.of]
	if of == nil || o.code != "" && o.kind != disputing {
		s.write(o)
		return
	}
	of.closed = of.closed || o.final || o.kind == voiding
	taken := o.amount
	switch o.kind {
	case returning:
		of, taken = s.operations[of.of], o.amount.Neg()
	case splitting:
		taken = o.moved
	case voiding: // what was held is not taken by anybody
		s.write(o, of)
		return
	}
	if left, err := of.left.Sub(taken); err == nil {
		of.left = left
	}
	s.write(o, of)
}

// index makes an operation known by its key and its other names.
func (s *Sandbox) index(o *operation) {
	s.operations[o.key], s.order = o, append(s.order, o.key)
	o.no = len(s.order)
	s.dated(o)
	switch {
	case o.kind.charge():
		s.charges[o.reference] = o
	case o.kind == disputing:
		s.disputes[o.reference] = o
	case o.kind == splitting:
		s.splits[o.of] = append(s.splits[o.of], o)
	case o.kind == returning:
		s.returns[o.of] = append(s.returns[o.of], o)
	}
}
