package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var (
	_ payment.Statements      = (*Sandbox)(nil)
	_ payment.PartyStatements = (*Sandbox)(nil)
)

// page is how many lines a page of a statement has.
const page = 500

// movement is what an operation did to the balance of an account.
type movement struct {
	account string // empty: our own
	line    payment.LineKind
	amount  platform.Money // what came in is positive
	at      time.Time
}

// movements are what an operation did to balances by now.
func (o *operation) movements(now time.Time) []movement {
	if o.kind == payingOut {
		return o.sent(now)
	}
	if o.kind == disputing {
		all := []movement{{line: payment.LineChargeback, amount: o.amount.Neg(), at: o.arrives}}
		if !o.back.IsZero() {
			all = append(all, movement{line: payment.LineReversal, amount: o.amount, at: o.back})
		}
		return all
	}
	if o.status(now).Outcome != payment.Done {
		return nil
	}
	own := movement{amount: o.moved.Neg(), at: o.lands}
	switch o.kind {
	case charging, capturing:
		own.line, own.amount = payment.LineCharge, o.moved
	case refunding:
		own.line = payment.LineRefund
	case reversing:
		own.line = payment.LineReversal
	case returning:
		own.line, own.amount = payment.LineSplitReturn, o.moved
		return []movement{own, {account: o.account, line: own.line, amount: o.moved.Neg(), at: o.lands}}
	case splitting:
		own.line = payment.LineSplit
		all := []movement{own}
		for _, share := range o.arrived() {
			all = append(all, movement{account: share.Account, line: own.line, amount: share.Amount, at: o.lands})
		}
		return all
	default:
		return nil
	}
	return []movement{own}
}

// sent are the movements of a payout: the money leaves at once, and is back when
// the bank fails or returns it.
func (o *operation) sent(now time.Time) []movement {
	if now.Before(o.arrives) {
		return nil
	}
	all := []movement{{account: o.account, line: payment.LinePayout, amount: o.amount.Neg(), at: o.arrives}}
	switch o.status(now).Outcome {
	case payment.Declined:
		all = append(all, movement{account: o.account, line: payment.LineReversal, amount: o.amount, at: o.lands})
	case payment.Returned:
		all = append(all, movement{account: o.account, line: payment.LineReversal, amount: o.amount, at: o.back})
	}
	return all
}

// Balance is what an account has by now in one currency; the empty account is
// the platform's own.
func (s *Sandbox) Balance(account string, c platform.Currency) (platform.Money, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.balance(account, c, s.opts.Now())
}

// purse names what an account has in one currency.
type purse struct {
	account  string
	currency platform.Currency
}

// balance adds up what is over to begin with, once, and the rest each time.
func (s *Sandbox) balance(account string, c platform.Currency, now time.Time) (platform.Money, error) {
	for ; s.over < len(s.order) && s.operations[s.order[s.over]].over(now); s.over++ {
		for _, m := range s.operations[s.order[s.over]].movements(now) {
			p := purse{m.account, m.amount.Currency()}
			sum, err := plus(s.sums[p], m.amount)
			if err != nil {
				return platform.Money{}, err
			}
			s.sums[p] = sum
		}
	}
	none, err := platform.FromMinor(0, c)
	if err != nil {
		return none, err
	}
	sum, err := plus(s.sums[purse{account, c}], none)
	for _, key := range s.order[s.over:] {
		for _, m := range s.operations[key].movements(now) {
			if err == nil && m.account == account && m.amount.Currency() == c {
				sum, err = sum.Add(m.amount)
			}
		}
	}
	return sum, err
}

// plus adds to a sum that may be absent.
func plus(sum, more platform.Money) (platform.Money, error) {
	if sum.Absent() {
		return more, nil
	}
	return sum.Add(more)
}

// over tells whether an operation has moved all that it ever will.
func (o *operation) over(now time.Time) bool {
	if o.kind == disputing && !o.closed {
		return false
	}
	return !o.latest().After(now)
}

// moments are those at which the operation may move something; zero for none.
func (o *operation) moments() [3]time.Time { return [...]time.Time{o.arrives, o.lands, o.back} }

// latest is the last of its moments.
func (o *operation) latest() time.Time {
	moments := o.moments()
	return slices.MaxFunc(moments[:], time.Time.Compare)
}

// dated puts an operation under the days on which it may move something.
func (s *Sandbox) dated(o *operation) {
	for _, at := range o.moments() {
		day := at.UTC().Truncate(24 * time.Hour)
		if of := s.days[day]; !at.IsZero() && (len(of) == 0 || of[len(of)-1] != o) {
			s.days[day] = append(of, o)
		}
	}
}

// Lines implements [payment.Statements]: a day in UTC, once it is over. The
// faults leave lines out, repeat or alter them, always the same ones.
func (s *Sandbox) Lines(ctx context.Context, day time.Time, cursor string) ([]payment.Line, string, error) {
	return s.PartyLines(ctx, "", day, cursor)
}

// PartyLines implements [payment.PartyStatements], as Lines does; the empty account
// is ours.
func (s *Sandbox) PartyLines(ctx context.Context, account string, day time.Time, cursor string) ([]payment.Line, string, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	from := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	to, start := from.AddDate(0, 0, 1), 0
	if s.opts.Now().Before(to) {
		return nil, "", fmt.Errorf("statement of %s: %w", from.Format(time.DateOnly), payment.ErrRetryable)
	}
	if cursor != "" {
		var err error
		if start, err = strconv.Atoi(cursor); err != nil || start < 0 {
			return nil, "", fmt.Errorf("cursor of a statement: %w", payment.ErrRefused)
		}
	}
	lines := s.lines(account, from, to)
	lines = lines[min(start, len(lines)):]
	if len(lines) > page {
		return lines[:page], strconv.Itoa(start + page), nil
	}
	return lines, "", nil
}

func (s *Sandbox) lines(account string, from, to time.Time) []payment.Line {
	var lines []payment.Line
	slices.SortFunc(s.days[from], func(a, b *operation) int { return a.no - b.no })
	s.days[from] = slices.Compact(s.days[from])
	for _, o := range s.days[from] {
		for n, m := range o.movements(s.opts.Now()) {
			if m.account != account || m.amount.Sign() == 0 || m.at.Before(from) || !m.at.Before(to) {
				continue
			}
			lines = append(lines, s.printed(o, m, o.reference+"-"+strconv.Itoa(n))...)
		}
	}
	slices.SortStableFunc(lines, func(a, b payment.Line) int { return a.At.Compare(b.At) })
	return lines
}

// printed is a movement as the statement has it: once, unless a fault strikes.
func (s *Sandbox) printed(o *operation, m movement, id string) []payment.Line {
	fee, err := platform.FromMinor(0, m.amount.Currency())
	if err != nil {
		return nil // an operation has an amount
	}
	line := payment.Line{ID: id, Kind: m.line, Key: o.ours(), Reference: o.reference, Gross: m.amount, Fee: fee, Net: m.amount, At: m.at}
	f := s.opts.Faults
	at := s.draw("line", payment.Key(id), 0)
	if at -= f.LineMissing; at < 0 {
		return nil
	}
	if at -= f.LineDoubled; at < 0 {
		again := line
		again.ID += "-again"
		return []payment.Line{line, again}
	}
	if at -= f.LineAltered; at < 0 {
		unit, err := platform.FromMinor(1, m.amount.Currency())
		if err == nil {
			line.Gross, err = line.Gross.Add(unit)
		}
		if err == nil {
			line.Net = line.Gross
		}
	}
	return []payment.Line{line}
}

// ours is the key of ours that an operation has, or of the charge that the
// institution takes back by it.
func (o *operation) ours() payment.Key {
	switch {
	case o.kind == disputing, o.kind == reversing:
		return o.of
	case o.foreign:
		return ""
	}
	return o.key
}
