// Package market wires the domains into one marketplace: the only straight line
// through all of them. The server, the replay and the quickstart use it, and a
// team that embeds the platform copies what it needs.
//
// Begin with [Open].
package market

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/mod/sumdb/note"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/order/insight"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/security/verification"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/sandbox"
)

// Options of a market; nil means defaults, which are those of a demo.
type Options struct {
	Now    func() time.Time // if nil, time.Now in UTC
	IDs    platform.IDs     // if nil, random
	Secret []byte           // 32 bytes or more behind the key that signs the audit log; if nil, random
	Guard  platform.Guard   // if nil, the market's own Access
	Tenant string           // whose market it is; actors of others find nothing
	Name   string           // of the audit log; if empty, market.example
	Last   audit.Last       // where the last signed head is kept; if nil, in memory

	Keys store.Engine // of personal data, opened with vault.KeyKinds; if nil, in memory: sealed values then die with the process
	KEK  vault.KEK    // wraps those keys; if nil, random

	Journals  []audit.Journal     // of signed checkpoints
	Witnesses []audit.Witness     // of the audit log's checkpoints
	Window    func(time.Duration) // is told how long after its moment each event reached the audit log

	SequenceLater bool // events reach the audit log by [Market.Sequence], not by the relay

	SandboxBooks string // file of the institution's books; if empty, they die with the process

	Merchant merchant.Options
	Order    order.Options
	Fees     fee.Terms
	Finance  finance.Options
	Payment  payment.Options

	Receivable receivable.Options

	Recon    reconciliation.Options
	Invoice  invoice.Terms
	TaxRate  decimal.Decimal // inside prices and commission, on invoices; if zero, 6 %
	Sandbox  sandbox.Options
	Staff    staff.Options
	Dispatch dispatch.Options
	Care     care.Options
	Insight  insight.Terms // its zone, if nil, is that of the books
	Dispute  dispute.Options
	Access   access.Options
	Budget   budget.Options
	Claim    claim.Options
	Rules    *screen.Rules // of screening; if nil, screen.Standard
	Risk     *risk.Options

	Settlement settlement.Options

	Supervision supervision.Options

	// Superiors tells to whom people report, of those who do, so that supervision sees
	// two of one line on one item; if nil, nobody knows.
	Superiors func(ctx context.Context, people ...platform.ID) (map[platform.ID]platform.ID, error)
	Unwatched bool // controls run by hand alone: where others watched over what happens here again

	Verification verification.Options
	Checker      verification.Checker // of numbers and documents; if nil, people check them
}

// Market is the services over one store. It may be used by several goroutines
// at once.
type Market struct {
	DB     store.Engine
	Writer platform.Writer

	Merchants   *merchant.Service
	Orders      *order.Service
	Reviews     *care.Service
	Disputes    *dispute.Service
	Staff       *staff.Service
	Dispatch    *dispatch.Service
	Insight     *insight.Service
	Payments    *payment.Service
	Recon       *reconciliation.Service
	Books       finance.Books
	Ledger      *finance.Service
	Fees        *fee.Service
	Payouts     *settlement.Service
	Closing     *closing.Service
	Receivables *receivable.Service
	Supervision *supervision.Service
	Spending
	Screen    *screen.Service
	Risk      *risk.Service
	Access    *access.Service
	Audit     *audit.Log
	Vault     *vault.Vault
	Verifier  note.Verifier    // of the audit log's signatures
	AuditKey  string           // the same as text, for those who verify elsewhere
	Sandbox   *sandbox.Sandbox // the institution
	Invoices  *invoice.Service
	Authority *sandbox.Invoicer // that issues invoices

	Verification *verification.Service

	relay   *store.Relay
	keyLog  *store.Relay
	options Options
}

// Kinds are the kinds of all domains: what the store must be opened with.
func Kinds() []platform.Kind {
	return slices.Concat(merchant.Kinds(), order.Kinds(), dispute.Kinds(), care.Kinds(), dispatch.Kinds(), insight.Kinds(), staff.Kinds(),
		finance.Kinds(), closing.Kinds(), fee.Kinds(), payment.Kinds(), settlement.Kinds(), receivable.Kinds(), budget.Kinds(), claim.Kinds(), reconciliation.Kinds(), invoice.Kinds(), refund.Kinds(), supervision.Kinds(), screen.Kinds(), risk.Kinds(), vault.Kinds(), access.Kinds(), verification.Kinds())
}

// Open wires a market over a store that was opened with [Kinds].
func Open(db store.Engine, o *Options) (*Market, error) {
	if o == nil {
		o = &Options{}
	}
	m := &Market{DB: db, options: *o}
	if o.Secret == nil {
		m.options.Secret = randomSecret()
	}
	m.Writer = platform.Writer{
		Store: db, Now: o.Now, IDs: o.IDs, Guard: o.Guard, Tenant: o.Tenant,
		Digest: func(command []byte) []byte { return m.Vault.Digest(command) },
	}.Ready()
	if err := m.guard(db, o.Access); err != nil {
		return nil, err
	}
	if err := m.unlock(); err != nil {
		return nil, err
	}
	if err := m.serve(); err != nil {
		return nil, err
	}
	return m, m.keep(db, m.options.Secret, *o)
}

// serve makes the services. The ports are values over the store, so that the
// order of the lines is no riddle.
func (m *Market) serve() error {
	db, w, o, seal := m.DB, m.Writer, m.options, m.Vault
	merchants, orders, members := merchant.StoreOn(db), order.StoreOn(db), staff.StoreOn(db)
	m.Books = finance.Books{Store: finance.StoreOn(db), Tenant: w.Tenant, Now: w.Now, Zone: o.Finance.Zone}
	duty := staff.Members{Store: members, Terms: o.Staff.Terms}
	o.Sandbox.Now = w.Now
	m.Sandbox = sandbox.New(&o.Sandbox)
	if o.SandboxBooks != "" {
		var err error
		if m.Sandbox, err = sandbox.Open(o.SandboxBooks, &o.Sandbox); err != nil {
			return err
		}
	}

	rules := screen.Standard()
	if o.Rules != nil {
		rules = *o.Rules
	}
	compiled, err := rules.Compile()
	if err != nil {
		return err
	}
	m.Screen = screen.New(w, screen.StoreOn(db), compiled, nil)
	m.Merchants = merchant.New(w, merchants, merchant.Ports{Requirements: verification.Standings{DB: db}, Sealer: seal}, &o.Merchant)
	m.Staff = staff.New(w, members, staff.Ports{Sealer: seal}, &o.Staff)
	m.Receivables = m.receivables(db)
	m.Ledger, m.Orders = m.desk(db)
	m.Fees = m.fees()
	m.Dispatch = dispatch.New(w, dispatch.StoreOn(db), dispatch.Ports{Members: duty, Orders: order.Seats{Store: orders}}, &o.Dispatch)
	m.Payouts = m.payouts(db)
	m.Payments = payment.New(w, payment.StoreOn(db), payment.Ports{
		Books:    m.splitting(db, m.Books),
		Subject:  payable{order.Payable{Store: orders, Books: m.owing(db, m.Books)}},
		Payouts:  m.Payouts,
		Screen:   m.Screen,
		Bearer:   bearer{db},
		Debts:    receivable.Claims{Store: receivable.StoreOn(db), Books: m.Books, Terms: o.Receivable.Terms},
		Gateways: []payment.Gateway{m.Sandbox},
	}, &o.Payment)
	m.Recon = m.reconciliation(db)
	m.invoices(db)
	m.Closing = m.closing() // whose checklist asks the rooms above
	m.Reviews = care.New(w, care.StoreOn(db), care.Ports{Orders: order.Sales{Store: orders}, Sealer: seal}, &o.Care)
	m.Disputes = m.disputes(db)
	m.Spending = m.spending(&o.Budget, &o.Claim)
	m.Supervision = m.supervision()
	m.Insight = m.insight(db, duty)
	m.Verification = m.verification(db)
	return nil
}

// desk is the books and the orders over a store: the market's own, or one in
// which they are rehearsed.
func (m *Market) desk(db platform.DB) (*finance.Service, *order.Service) {
	w, o := m.Writer, m.options
	w.Store = db
	merchants, books := merchant.StoreOn(db), finance.Books{Store: finance.StoreOn(db), Tenant: w.Tenant, Now: w.Now, Zone: o.Finance.Zone}
	return finance.New(w, finance.StoreOn(db), &o.Finance), order.New(w, order.StoreOn(db), order.Ports{
		Catalogue: merchant.Catalogue{Store: merchants},
		Parties:   proven{solvent{merchant.Standing{Store: merchants}, receivable.Debts{Store: receivable.StoreOn(db)}}, verification.Standings{DB: db}},
		Payments:  payment.Asks{Store: payment.StoreOn(db), Institutions: []string{m.Sandbox.Info().Institution}},
		Books:     m.owing(db, settlement.Reserving{Books: m.splitting(db, books), Terms: o.Settlement.Terms}),
		Fees:      fee.Quotes{Store: fee.StoreOn(db), Terms: o.Fees},
		Staffing:  dispatch.Releases{Store: dispatch.StoreOn(db), Members: staff.Members{Store: staff.StoreOn(db), Terms: o.Staff.Terms}, Policy: o.Dispatch.Policy},
		Screen:    m.Screen,
		Sealer:    m.Vault,
		Purse:     books,
		Sources:   refund.Chain{Books: books},
		Plans:     plansOn(db, books),
	}, &o.Order)
}

// keep sets up what follows the log: the audit tree and the indicators.
func (m *Market) keep(db store.Engine, secret []byte, o Options) error {
	name := o.Name
	if name == "" {
		name = "market.example"
	}
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte(key(secret, "audit"))), name)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	m.AuditKey = public
	if m.Verifier, err = note.NewVerifier(public); err != nil {
		return err
	}
	m.Audit = audit.New(db.Tree(), signer, &audit.Options{Last: o.Last, Witnesses: o.Witnesses, Journals: o.Journals, Now: m.Writer.Now, Window: o.Window})
	if o.Risk == nil {
		o.Risk = &risk.Options{Indicators: []risk.Indicator{RefundRate(), AuditFork(), AuditWindow(), BreakUnreviewed(), FeesContinued(), FindingsOverdue(), AuditMissing()}}
	}
	counts := risk.NewCounts(db, o.Risk.Indicators...)
	// Leases go by the wall's clock: a simulation's leaps past them.
	m.relay = &store.Relay{Outbox: db, Sinks: map[string]store.Sink{"risk": counts, "dispatch": m.Dispatch, "invoice": letters{m}, "insight": m.Insight}}
	if !o.Unwatched {
		m.relay.Sinks["supervision"] = watched{m}
	}
	if !o.SequenceLater {
		m.relay.Sinks[auditSink] = m.Audit
	}
	m.Risk, err = risk.New(m.Writer, risk.StoreOn(db), risk.Ports{Meter: window{counts, m}}, o.Risk)
	return err
}

// RefundRate warns when more than a fifth as many refunds are asked for in a day
// as orders are completed, and is critical from two fifths.
func RefundRate() risk.Indicator {
	share := func(percent int64) decimal.Decimal { return decimal.New(percent, -2) }
	return risk.Indicator{
		Name: "refund_rate", Metric: "refund.requested/order.completed", Owner: "service", Direction: risk.Above,
		Warn: risk.Bound{Fire: share(20), Recover: share(10)}, Critical: &risk.Bound{Fire: share(40), Recover: share(20)},
		Window: 24 * time.Hour, Least: 10, Instruction: "Look for a merchant, a listing or an institution that the refunds have in common.",
	}
}

// Close gives the relay's leases back, so that whoever comes next need not wait
// for them, and closes the institution's books. The store stays open.
func (m *Market) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(m.Payments.Close(), m.relay.Release(ctx), m.keyLog.Release(ctx), m.Sandbox.Close())
}

// TrialBalance adds up the books as they are at one moment: halves of commits
// under way never show.
func (m *Market) TrialBalance(ctx context.Context) ([]finance.TrialBalance, error) {
	now, err := m.DB.Moment(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = now.Close() }()
	return finance.Books{Store: finance.StoreOn(now), Tenant: m.Writer.Tenant}.TrialBalance(ctx)
}

// VerifyBooks proves the books as they are at one moment, and tells what is
// wrong with them.
func (m *Market) VerifyBooks(ctx context.Context) ([]finance.Discrepancy, error) {
	now, err := m.DB.Moment(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = now.Close() }()
	return discrepancies(ctx, now)
}

// Tick fires what is due in every domain, relays the events, and samples the
// indicators. It is a [platform.Ticker].
func (m *Market) Tick(ctx context.Context, now time.Time, limit int) (fired int, err error) {
	ctx = platform.As(ctx, platform.SystemActor("clock"))
	for _, t := range []platform.Ticker{m.Payments, m.Orders, m.Disputes, m.Dispatch, m.Merchants, m.Staff, m.Payouts, m.Receivables, m.Budgets, m.Claims, m.Ledger, m.Fees, m.Recon, m.Invoices, m.Access, m.Vault, m.Verification} {
		n, failed := t.Tick(ctx, now, limit)
		fired, err = fired+n, errors.Join(err, failed)
	}
	if !m.options.Unwatched {
		n, failed := m.Supervision.Tick(ctx, now, limit)
		fired, err = fired+n, errors.Join(err, failed)
	}
	err = errors.Join(err, m.Relay(ctx), m.readBack(ctx, now, limit))
	n, failed := m.Risk.Tick(ctx, now, limit)
	return fired + n, errors.Join(err, failed)
}
