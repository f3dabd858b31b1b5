package reconciliation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

var (
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	morning = time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC)
	clerk   = platform.Actor{ID: platform.NewID("opr", noon, 1, 1), Kind: platform.Operator}
	second  = platform.Actor{ID: platform.NewID("opr", noon, 1, 2), Kind: platform.Operator}
	auditor = platform.Actor{ID: platform.NewID("opr", noon, 1, 3), Kind: platform.Auditor}
	shop    = platform.Actor{ID: platform.NewID("mer", noon, 1, 4), Kind: platform.Merchant}
)

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func by(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

// tester is a test, one of rapid's included.
type tester interface {
	require.TestingT
	Helper()
}

// names are the institution's names of what was booked.
type names map[platform.Ref]string

func (n names) References(_ context.Context, subjects ...platform.Ref) (map[platform.Ref]string, error) {
	found := map[platform.Ref]string{}
	for _, s := range subjects {
		if name, known := n[s]; known {
			found[s] = name
		}
	}
	return found, nil
}

// world is books, an institution and a desk, on one clock.
type world struct {
	tester
	now   time.Time
	db    platform.DB
	w     platform.Writer
	books finance.Books
	bank  *sandbox.Sandbox
	names names
	s     *reconciliation.Service
	store reconciliation.Store
	ids   uint64
}

func kinds() []platform.Kind { return append(finance.Kinds(), reconciliation.Kinds()...) }

func newWorld(t tester, faults sandbox.Faults, seed uint64, o *reconciliation.Options) *world {
	return worldOn(t, memory.New(kinds(), nil), faults, seed, o)
}

func worldOn(t tester, db platform.DB, faults sandbox.Faults, seed uint64, o *reconciliation.Options) *world {
	v := &world{tester: t, now: noon, db: db, names: names{}}
	clock := func() time.Time { return v.now }
	v.w = platform.Writer{Store: v.db, Now: clock, IDs: func() uint64 { v.ids += 1 << 20; return v.ids }}
	v.books = finance.Books{Store: finance.StoreOn(v.db), Now: clock}
	v.bank = sandbox.New(&sandbox.Options{Now: clock, Faults: faults, Seed: seed})
	v.store = reconciliation.StoreOn(v.db)
	v.s = reconciliation.New(v.w, v.store, reconciliation.Ports{Books: v.books, References: v.names, Gateways: []payment.Gateway{v.bank}}, o)
	return v
}

// booked is a command that does nothing but book.
type booked struct{ What string }

// book posts to an account, clearing:sandbox unless another is named.
func (v *world) book(what string, subject platform.Ref, legs ...platform.Leg) {
	v.Helper()
	_, err := platform.Update(by(clerk), v.w, booked{what}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := v.books.Post(ctx, what, subject, v.now, legs)
		return struct{}{}, append(set, platform.Happened(what, subject, nil)), err
	})
	require.NoError(v, err)
}

// attempt is the n-th attempt to pay.
func attempt(n int) platform.Ref {
	return platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", noon, platform.Slot(n%4096), uint64(n))}
}

// refund is the n-th refund.
func refund(n int) platform.Ref {
	return platform.Ref{Kind: "order.refund", ID: platform.NewID("rfd", noon, platform.Slot(n%4096), uint64(n))}
}

func order(n int) platform.ID { return attempt(n).ID.As("ord") }

func leg(role string, amount platform.Money, of ...platform.ID) platform.Leg {
	l := platform.Leg{Role: role, Amount: amount}
	if role == "clearing" || role == "bank" || role == "suspense" || role == "gateway_fee" {
		l.Party = "sandbox"
	}
	if len(of) > 0 {
		l.Of = of[0]
	}
	return l
}

// captured books the n-th capture.
func (v *world) captured(n int, amount platform.Money) {
	v.book("pay.captured", attempt(n), leg("clearing", amount), leg("escrow", amount.Neg(), order(n)))
}

// returned books that the n-th refund went back, out of the order's escrow.
func (v *world) returned(n int, amount platform.Money) {
	v.book("refund.approved", refund(n), leg("escrow", amount, order(n)), leg("refund_due", amount.Neg(), order(n)))
	v.book("refund.succeeded", refund(n), leg("refund_due", amount, order(n)), leg("clearing", amount.Neg()))
}

// charge takes the n-th charge at the institution.
func (v *world) charge(n int, amount platform.Money) payment.Status {
	st, err := v.bank.Charge(context.Background(), payment.Charge{Key: payment.Key(attempt(n).ID), Amount: amount, Method: sandbox.OK})
	require.NoError(v, err)
	v.names[attempt(n)] = st.Reference
	return st
}

// giveBack refunds the n-th charge at the institution.
func (v *world) giveBack(n int, amount platform.Money) {
	v.bank.Force(payment.Key(refund(n).ID.As("rtn")), sandbox.OK)
	_, err := v.bank.Refund(context.Background(), payment.Refund{Key: payment.Key(refund(n).ID.As("rtn")), Charge: payment.Key(attempt(n).ID), Amount: amount})
	require.NoError(v, err)
}

// paid is a charge that both sides know.
func (v *world) paid(n int, amount string) {
	v.charge(n, yuan(amount))
	v.captured(n, yuan(amount))
}

// file imports rows of id, kind, key, reference, gross, fee, currency, at, batch.
func (v *world) file(day string, rows ...string) reconciliation.Statement {
	v.Helper()
	text := "id,kind,key,reference,gross,fee,currency,at,batch\n" + strings.Join(rows, "\n")
	st, err := v.s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: day, File: strings.NewReader(text)})
	require.NoError(v, err)
	return st
}

// fetched is the institution's statement of a day.
func (v *world) fetched(day string) reconciliation.Statement {
	v.Helper()
	st, err := v.s.Fetch(by(clerk), reconciliation.Fetch{Institution: "sandbox", Day: day})
	require.NoError(v, err)
	return st
}

// reconciled is the run of a statement, whose proof must hold.
func (v *world) reconciled(st reconciliation.Statement) reconciliation.Run {
	v.Helper()
	run, err := v.s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
	require.NoError(v, err)
	for _, p := range run.Proofs {
		require.True(v, p.Holds(), "%+v", p)
	}
	wrong, err := reconciliation.Verify(by(clerk), v.store, v.books, "sandbox")
	require.NoError(v, err)
	require.Empty(v, wrong)
	return run
}

// rows are what became of a run's lines and entries, in short: "matched(1) a ↔ 1".
func (v *world) rows(run reconciliation.Run) (all []string) {
	for no, more := 0, true; more; {
		rows, next, err := v.s.Rows(by(auditor), run.ID, no)
		require.NoError(v, err)
		for _, r := range rows {
			text := string(r.Class)
			if r.Pass > 0 {
				text += fmt.Sprintf("(%d)", r.Pass)
			}
			all = append(all, fmt.Sprintf("%s %s ↔ %s", text, strings.Join(r.Lines, "+"), strings.Trim(fmt.Sprint(r.Entries), "[]")))
		}
		no, more = next, next > 0
	}
	return all
}

// cases are the cases in a state.
func (v *world) cases(state reconciliation.CaseState) (all []reconciliation.Case) {
	for cursor := ""; ; {
		page, err := v.s.Inbox(by(auditor), state, cursor)
		require.NoError(v, err)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

var _ tester = (*testing.T)(nil)

func account(text string) finance.Account {
	a, err := finance.ParseAccount(text)
	if err != nil {
		panic(err)
	}
	return a
}

// lines are one account that takes an amount up.
func lines(account string, amount platform.Money) []finance.Line {
	return []finance.Line{{Account: account, Amount: amount}}
}

// from is an import of a file.
func from(in reconciliation.Import, text string) reconciliation.Import {
	in.File = strings.NewReader(text)
	return in
}
