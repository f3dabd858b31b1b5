package market

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/shopspring/decimal"

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
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/security/verification"
	"github.com/liangding/platform/staff"
)

// guard sets up who may do what: before the services, all of which ask it.
func (m *Market) guard(db platform.DB, o access.Options) (err error) {
	if o.Known.Actions == nil {
		o.Known.Actions = Commands()
	}
	if o.Known.Kinds == nil {
		o.Known.Kinds = Kinds()
	}
	if o.Within == nil {
		o.Within = m.within
	}
	if m.Access, err = access.New(m.Writer, db, &o); err != nil {
		return err
	}
	if m.Writer.Guard == nil {
		m.Writer.Guard = m.Access
	}
	return nil
}

// Commands are the names of all commands, as a policy may name them.
func Commands() (names []string) {
	ctx := reflect.TypeFor[context.Context]()
	for _, of := range []reflect.Type{
		reflect.TypeFor[*merchant.Service](), reflect.TypeFor[*order.Service](), reflect.TypeFor[*dispute.Service](), reflect.TypeFor[*care.Service](), reflect.TypeFor[*dispatch.Service](),
		reflect.TypeFor[*staff.Service](), reflect.TypeFor[*finance.Service](), reflect.TypeFor[*fee.Service](), reflect.TypeFor[*payment.Service](), reflect.TypeFor[*receivable.Service](), reflect.TypeFor[*budget.Service](), reflect.TypeFor[*claim.Service](), reflect.TypeFor[*reconciliation.Service](), reflect.TypeFor[*invoice.Service](),
		reflect.TypeFor[*settlement.Service](), reflect.TypeFor[*closing.Service](), reflect.TypeFor[*supervision.Service](), reflect.TypeFor[*verification.Service](),
		reflect.TypeFor[*risk.Service](), reflect.TypeFor[*access.Service](), reflect.TypeFor[*vault.Vault](), reflect.TypeFor[*Market](),
	} {
		for method := range of.Methods() {
			t := method.Type
			if t.NumIn() < 3 || t.In(1) != ctx || t.In(2).Kind() != reflect.Struct || t.In(2).PkgPath() != of.Elem().PkgPath() {
				continue
			}
			domain, name, _ := strings.Cut(t.In(2).String(), ".")
			names = append(names, domain+"."+strings.ToLower(name[:1])+name[1:])
		}
	}
	return names
}

// within tells whether a record belongs to a merchant, or lies in a zone: an
// order, a listing or a member of staff.
func (m *Market) within(ctx context.Context, on platform.Ref, scope platform.ID) (in bool, err error) {
	switch on.Kind {
	case "order":
		var o order.Order
		o, err = order.StoreOn(m.DB).Order(ctx, on.ID)
		in = o.Merchant == scope || o.Terms.Zone == scope
	case "merchant.listing":
		var l merchant.Listing
		l, err = merchant.StoreOn(m.DB).Listing(ctx, on.ID)
		in = l.Merchant == scope
	case "staff.member":
		var s staff.Member
		s, err = staff.StoreOn(m.DB).Member(ctx, on.ID)
		in = s.Zone == scope
	}
	if errors.Is(err, platform.ErrNotFound) {
		return false, nil
	}
	return in && err == nil, err
}

// BreakUnreviewed is critical at once when emergency access was used and nobody
// looked at it in time.
func BreakUnreviewed() risk.Indicator {
	return risk.Indicator{
		Name: "break_unreviewed", Metric: "access.break_unreviewed", Owner: "security", Direction: risk.Above,
		Warn:     risk.Bound{Fire: decimal.New(5, -1), Recover: decimal.New(1, -1)},
		Critical: &risk.Bound{Fire: decimal.New(1, 0), Recover: decimal.New(5, -1)},
		Window:   24 * time.Hour, For: new(time.Duration),
		Instruction: "Ask whoever used the access what for, look at what was seen, and have another person review it.",
	}
}
