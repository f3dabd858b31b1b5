package market

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
)

// Takeover is what a marketplace brings along that ran on another system: its
// accounts, and the orders that are under way.
type Takeover struct {
	Source   string            `json:"source" validate:"required,text=64"` // the other system
	Reason   string            `json:"reason" validate:"required,text=64"` // a code
	At       time.Time         `json:"at"`                                 // as of when the balances hold
	Accounts []finance.Brought `json:"accounts,omitempty"`                 // those that belong to no order
	Orders   []order.TakeOver  `json:"orders,omitempty"`                   // source and reason are those above
	Opening  []platform.Money  `json:"opening,omitempty"`                  // what the opening account comes to then, in each currency: the equity there. If given, anything else is refused
}

// Report is what became of a [Takeover], or what would become of it.
type Report struct {
	Rows    []Row            `json:"rows"`    // accounts, then orders
	Opening []platform.Money `json:"opening"` // what the opening account comes to, in each currency of the rows
}

// Row is one account or order of a [Takeover].
type Row struct {
	Path      string      `json:"path"` // orders[3]
	Reference string      `json:"reference"`
	ID        platform.ID `json:"id"` // of the opening or the order
	Outcome   Outcome     `json:"outcome"`
}

// Outcome is what became of a row.
type Outcome string

// The outcomes of a row.
const (
	Left    Outcome = "left" // not come to
	Written Outcome = "written"
	Known   Outcome = "known" // was there already, the same in all
	Refused Outcome = "refused"
)

// Count is how many rows came to an outcome.
func (r Report) Count(o Outcome) (n int) {
	for _, row := range r.Rows {
		if row.Outcome == o {
			n++
		}
	}
	return n
}

// maxRows bounds a takeover, which is kept in memory; larger ones come in parts.
const maxRows = 20_000

var (
	errRows    = platform.Err(platform.ErrInvalid, "takeover.rows", "a takeover has 1 to 20,000 accounts and orders", "一次接管须有1至20000个账户与订单")
	errOpening = platform.Err(platform.ErrInvalid, "takeover.opening", "the opening account comes to another sum", "期初科目合计不符")
)

// TakeOver brings a marketplace in. It rehearses all of it first, and writes
// nothing unless every row passes; dry, it ends there. Written is then a chunk of
// accounts, or an order, at a time: after a crash a repeat goes on where it
// stopped, since what is there already has no second effect. Whoever acts must be
// an operator.
//
// It fails with FieldErrors that name every wrong row and field, and with the
// failure of the store; the report then tells how far it came.
func (m *Market) TakeOver(ctx context.Context, in Takeover, dry bool) (Report, error) {
	if rows := len(in.Accounts) + len(in.Orders); rows == 0 || rows > maxRows {
		return Report{}, fmt.Errorf("take over %d rows: %w", rows, errRows)
	}
	if err := platform.Validate(in); err != nil {
		return Report{}, err
	}
	ctx = platform.WithoutKey(ctx) // each row has a name of its own
	if report, err := m.rehearse(ctx, in); err != nil || dry {
		return report, err
	}
	return m.moving(in, m.DB).run(ctx, 16)
}

// rehearse is a takeover as it would go on the store of this moment.
func (m *Market) rehearse(ctx context.Context, in Takeover) (Report, error) {
	kinds, err := store.NewKinds(Kinds())
	if err != nil {
		return Report{}, err
	}
	now, err := m.DB.Moment(ctx)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = now.Close() }()
	return m.moving(in, store.Rehearse(now, kinds)).run(ctx, 1)
}

// moving is a takeover under way, on the store or in rehearsal.
type moving struct {
	Takeover
	db     platform.DB
	ledger *finance.Service
	orders *order.Service
	books  finance.Books

	mu     sync.Mutex
	report Report
	wrong  platform.FieldErrors
}

func (m *Market) moving(in Takeover, db platform.DB) *moving {
	t := &moving{Takeover: in, db: db, books: finance.Books{Store: finance.StoreOn(db), Tenant: m.Writer.Tenant}}
	t.ledger, t.orders = m.desk(db)
	seen := map[platform.ID]bool{}
	row := func(list string, i int, id platform.ID, reference string, twice platform.FieldErrors) {
		t.report.Rows = append(t.report.Rows, Row{Path: at(list, i), Reference: reference, ID: id, Outcome: Left})
		if seen[id] {
			t.refuse(len(t.report.Rows)-1, twice)
		}
		seen[id] = id != ""
	}
	for i, a := range in.Accounts {
		var id platform.ID
		if account, err := finance.ParseAccount(a.Account); err == nil {
			id = finance.OpeningID(account, a.Amount.Currency())
		}
		row("accounts", i, id, a.Reference, platform.Wrong("account", finance.ErrOpened))
	}
	for i, o := range in.Orders {
		row("orders", i, order.TakenID(in.Source, o.Reference), o.Reference, platform.Wrong("reference", order.ErrTakenOver))
	}
	return t
}

// at is where a row stands.
func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// run carries all rows out, orders by several hands.
func (t *moving) run(ctx context.Context, hands int) (Report, error) {
	err := t.accounts(ctx)
	if err == nil {
		err = each(len(t.Orders), hands, func(i int) error { return t.order(ctx, i) })
	}
	if err == nil {
		err = t.controlled(ctx)
	}
	if err == nil && len(t.wrong) > 0 {
		err = t.wrong
	}
	return t.report, err
}

// each does n things by so many hands, until one fails.
func each(n, hands int, do func(i int) error) error {
	var mu sync.Mutex
	var failed error
	next := -1
	take := func(err error) (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
		next++
		return next, failed == nil && next < n
	}
	var all sync.WaitGroup
	for range hands {
		all.Go(func() {
			i, more := take(nil)
			for more {
				i, more = take(do(i))
			}
		})
	}
	all.Wait()
	return failed
}

// accounts opens the accounts, chunk by chunk. Those that are refused fall out
// of their chunk, so that each row is judged by itself.
func (t *moving) accounts(ctx context.Context) error {
	rows := make([]int, len(t.Accounts))
	for i := range rows {
		rows[i] = i
	}
	for chunk := range slices.Chunk(rows, 1000) {
		if err := t.parties(ctx, chunk); err != nil {
			return err
		}
		for {
			chunk = slices.DeleteFunc(chunk, func(i int) bool { return t.report.Rows[i].Outcome == Refused })
			again, err := t.open(ctx, chunk)
			if err != nil {
				return err
			}
			if !again {
				break
			}
		}
	}
	return nil
}

// open opens a chunk of accounts, or refuses rows of it: then it is to be done
// again without them.
func (t *moving) open(ctx context.Context, chunk []int) (again bool, _ error) {
	if len(chunk) == 0 {
		return false, nil
	}
	in := finance.OpenAccounts{Source: t.Source, Reason: t.Reason, At: t.At}
	for _, i := range chunk {
		in.Balances = append(in.Balances, t.Accounts[i])
	}
	made, err := t.ledger.OpenAccounts(ctx, in)
	if wrong, ok := errors.AsType[platform.FieldErrors](err); ok {
		for _, w := range wrong {
			n, field, ofRow := position(w.Path)
			if !ofRow { // of all rows alike
				return false, wrong
			}
			again = true
			w.Path = field
			t.refuse(chunk[n], platform.FieldErrors{w})
		}
		return again, nil
	}
	if err != nil {
		return false, err
	}
	for _, i := range chunk {
		t.report.Rows[i].Outcome = Known
		if slices.ContainsFunc(made, func(o finance.Opening) bool { return o.ID == t.report.Rows[i].ID }) {
			t.report.Rows[i].Outcome = Written
		}
	}
	return false, nil
}

// position reads "balances[3].amount".
func position(path string) (row int, field string, ok bool) {
	rest, ok := strings.CutPrefix(path, "balances[")
	number, field, _ := strings.Cut(rest, "]")
	row, err := strconv.Atoi(number)
	return row, strings.TrimPrefix(field, "."), ok && err == nil
}

// parties refuses accounts of a merchant or a member whom nobody knows here.
func (t *moving) parties(ctx context.Context, chunk []int) error {
	party := map[int]platform.Ref{}
	var refs []platform.Ref
	for _, i := range chunk {
		a, err := finance.ParseAccount(t.Accounts[i].Account)
		kind := map[string]string{"mer": "merchant", "stf": "staff.member"}[a.Party.Prefix()]
		if _, malformed := platform.ParseID(string(a.Party)); err != nil || kind == "" || malformed != nil {
			continue
		}
		party[i] = platform.Ref{Kind: kind, ID: a.Party}
		refs = append(refs, party[i])
	}
	known, err := platform.Lookup(ctx, t.db, refs...)
	if err != nil {
		return err
	}
	for _, i := range chunk {
		ref, named := party[i]
		if _, there := known[ref]; named && !there {
			t.refuse(i, platform.Wrong("account", platform.NotFound(ref)))
		}
	}
	return nil
}

// order takes over one order.
func (t *moving) order(ctx context.Context, i int) error {
	row := len(t.Accounts) + i
	if t.report.Rows[row].Outcome == Refused { // it comes twice
		return nil
	}
	in := t.Orders[i]
	in.Source, in.Reason = t.Source, t.Reason
	self := platform.Ref{Kind: "order", ID: t.report.Rows[row].ID}
	refs := append(staffed(in.Members), self)
	there, err := platform.Lookup(ctx, t.db, refs...)
	if err != nil {
		return err
	}
	for m, member := range refs[:len(refs)-1] {
		if _, known := there[member]; !known {
			t.refuse(row, platform.Wrong(at("members", m), platform.NotFound(member)))
		}
	}
	if t.report.Rows[row].Outcome == Refused {
		return nil
	}
	_, before := there[self]
	_, err = t.orders.TakeOver(ctx, in)
	wrong, fields := errors.AsType[platform.FieldErrors](err)
	switch {
	case err == nil && before:
		t.report.Rows[row].Outcome = Known
	case err == nil:
		t.report.Rows[row].Outcome = Written
	case fields:
		t.refuse(row, wrong)
	case errors.Is(err, platform.ErrInvalid) || errors.Is(err, platform.ErrState):
		t.refuse(row, platform.Wrong("", err))
	default:
		return err
	}
	return nil
}

// staffed names the members, unless one of their ids is none, which is refused
// elsewhere.
func staffed(members []platform.ID) (refs []platform.Ref) {
	for _, id := range members {
		if _, err := platform.ParseID(string(id)); err != nil || id.Prefix() != "stf" {
			return nil
		}
		refs = append(refs, platform.Ref{Kind: "staff.member", ID: id})
	}
	return refs
}

// refuse notes what is wrong with a row.
func (t *moving) refuse(row int, wrong platform.FieldErrors) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Rows[row].Outcome = Refused
	for _, w := range wrong {
		w.Path = strings.TrimSuffix(t.report.Rows[row].Path+"."+w.Path, ".")
		t.wrong = append(t.wrong, w)
	}
}

// controlled reads what the opening account comes to, and holds it against what
// it has to, unless rows are missing anyhow.
func (t *moving) controlled(ctx context.Context) error {
	var used []platform.Currency
	note := func(m platform.Money) {
		if !m.Absent() && !slices.Contains(used, m.Currency()) {
			used = append(used, m.Currency())
		}
	}
	for _, a := range t.Accounts {
		note(a.Amount)
	}
	for _, o := range t.Orders {
		note(o.Total)
	}
	for _, m := range t.Opening {
		note(m)
	}
	for _, currency := range used {
		b, err := t.books.Balance(ctx, finance.Account{Role: "opening"}, currency)
		if err != nil {
			return err
		}
		t.report.Opening = append(t.report.Opening, b.Posted)
	}
	if len(t.wrong) > 0 {
		return nil
	}
	for i, m := range t.Opening {
		if !slices.Contains(t.report.Opening, m) || len(t.Opening) != len(used) {
			t.wrong = append(t.wrong, platform.Wrong(at("opening", i), errOpening)...)
		}
	}
	return nil
}
