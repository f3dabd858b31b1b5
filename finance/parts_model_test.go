package finance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// purse is an account in a currency.
type purse struct{ account, currency string }

// ledgerModel is transfers, holds in parts and reversals as a textbook keeps
// them: what is on a purse, what is held of it, and what is left of each hold and
// posting.
type ledgerModel struct {
	on, held map[purse]int64
	holds    map[int]*promise
	posted   map[int]*promise // transfers, by their number
}

// promise is an amount on its way from one purse to another.
type promise struct {
	from, to purse
	total    int64
	left     int64
	parts    int
	ended    string      // by which verb, and its amount
	id       platform.ID // of the posting
}

func (m *ledgerModel) free(p purse) int64 { return m.on[p] - m.held[p] }

func (m *ledgerModel) move(from, to purse, n int64) {
	m.on[from] -= n
	m.on[to] += n
}

// step does one thing to the model, and returns it with the code that the books
// must answer.
func (m *ledgerModel) step(t *rapid.T, c clerk, n int) (do func() error, want string) {
	code := rapid.SampledFrom([]string{"CNY", "JPY"}).Draw(t, "currency")
	users := []string{unapplied(), "unapplied:" + string(employee), "unapplied:" + string(member)}
	from := purse{rapid.SampledFrom(users).Draw(t, "from"), code}
	to := purse{rapid.SampledFrom([]string{payable(), "payable:" + string(member)}).Draw(t, "to"), code}
	amount := rapid.Int64Range(1, 400).Draw(t, "amount")
	some := rapid.IntRange(0, n).Draw(t, "of")
	transfer := func(what string, subject int, p *promise, amount int64) func() error {
		in := Transfer{Steps: []Step{{What: what, Subject: trf(subject)}}}
		if what == "transfer.settled" {
			in.Steps[0].N = p.parts
		}
		if amount > 0 {
			in.Steps[0].Legs = []Line{{p.from.account, minor(t, amount, p.from.currency)}, {p.to.account, minor(t, -amount, p.to.currency)}}
		}
		return func() error {
			result, err := c.Transfer(asOperator(), in)
			if err == nil && what == "transfer.made" {
				p.id = result.Made[0].Ref.ID
			}
			return err
		}
	}
	p := &promise{from: from, to: to, total: amount, left: amount}
	switch verb := rapid.SampledFrom([]string{"made", "made", "held", "held", "settled", "closed", "voided", "rest", "reverse"}).Draw(t, "verb"); verb {
	case "made", "held":
		if want = ""; m.free(from) < amount {
			want = "ledger.insufficient"
		} else if verb == "held" {
			m.held[from] += amount
			m.holds[n] = p
		} else {
			m.move(from, to, amount)
			m.posted[n] = p
		}
		return transfer("transfer."+verb, n, p, amount), want
	case "reverse":
		was := m.posted[some]
		if was == nil {
			return nil, ""
		}
		switch {
		case amount > was.left:
			want = "ledger.reversal_exceeds"
		case m.free(was.to) < amount:
			want = "ledger.insufficient"
		default:
			was.left -= amount
			m.move(was.to, was.from, amount)
		}
		in := Reverse{Posting: was.id, Reason: "wrong", Legs: []Line{{was.from.account, minor(t, -amount, was.from.currency)}, {was.to.account, minor(t, amount, was.to.currency)}}}
		return func() error { _, err := c.Reverse(asOperator(), in); return err }, want
	default:
		return m.end(transfer, verb, some, amount)
	}
}

// end settles a hold in part or whole, or voids it.
func (m *ledgerModel) end(transfer func(string, int, *promise, int64) func() error, verb string, some int, amount int64) (do func() error, want string) {
	p := m.holds[some]
	if p == nil {
		return nil, ""
	}
	what := "transfer." + verb
	switch verb {
	case "rest":
		what, amount = "transfer.settled", 0
	case "voided":
		amount = 0
	}
	do = transfer(what, some, p, amount)
	part := amount
	if verb == "rest" {
		part = p.left
	}
	switch again := fmt.Sprint(verb, amount); {
	case p.ended == again && (verb == "voided" || verb == "closed"): // it has no second effect
		return do, ""
	case strings.HasPrefix(p.ended, verb) && verb == "closed":
		return do, "ledger.key_reused"
	case p.ended != "":
		return do, "ledger.pending_ended"
	case part > p.left:
		return do, "ledger.pending_exceeds"
	}
	m.move(p.from, p.to, part)
	freed := part
	if verb == "voided" || verb == "closed" {
		freed = p.left
	}
	m.held[p.from] -= freed
	p.left -= freed
	if p.parts++; p.left == 0 {
		p.ended = fmt.Sprint(verb, amount)
	}
	return do, ""
}

func minor(t tester, n int64, code string) platform.Money {
	currency, err := platform.ParseCurrency(code)
	require.NoError(t, err)
	m, err := platform.FromMinor(n, currency)
	require.NoError(t, err)
	return m
}

// Invariants 1, 2, 3, 5, 6: whatever is transferred, held, settled in parts,
// voided and reversed, in two currencies: each purse has what the model says, all
// of a currency is zero, nothing is below its floor, and the books prove
// themselves.
func TestHoldsInPartsAndReversalsKeepToTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(r)
		if rapid.IntRange(0, 24).Draw(r, "engine") == 24 {
			d = desks(t)["sqlite"]
		}
		playLedger(r, d)
	})
}

func playLedger(t *rapid.T, d *desk) {
	c := clerk{d, New(d.w, d.Store, nil)}
	m := &ledgerModel{map[purse]int64{}, map[purse]int64{}, map[int]*promise{}, map[int]*promise{}}
	for i, code := range []string{"CNY", "JPY"} {
		for j, user := range []string{unapplied(), "unapplied:" + string(employee)} {
			_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{
				What: "receipt.unapplied", Subject: contract, N: 10*i + j, Legs: []Line{{"bank:house", minor(t, 1000, code)}, {user, minor(t, -1000, code)}},
			}}})
			require.NoError(t, err)
			m.on[purse{user, code}] = 1000
		}
	}
	for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
		do, want := m.step(t, c, n)
		if do == nil {
			continue
		}
		require.Equal(t, want, platform.Code(do()))
		for p, on := range m.on {
			a, err := ParseAccount(p.account)
			require.NoError(t, err)
			b, err := c.Balance(asOperator(), a, minor(t, 0, p.currency).Currency())
			require.NoError(t, err)
			require.Equal(t, []int64{on, on - m.held[p]}, []int64{b.Posted.Minor(), b.Available.Minor()}, fmt.Sprint(p))
		}
	}
	d.sound(t)
}
