package receivable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Debts answers what parties owe. It is a value over the store, for credit
// rating, indicators and payouts.
type Debts struct {
	Store Store
	Terms Terms
}

// Overdue is what a party owes and should have paid before the day of a moment,
// for each currency, of what is open now; and since when the oldest of it is due,
// zero without any. It reads the party's open claims.
func (d Debts) Overdue(ctx context.Context, party platform.ID, at time.Time) (debts []platform.Money, since time.Time, err error) {
	t := d.Terms.ready()
	claims, err := d.Store.Owed(ctx, party)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("debts of %s: %w", party, err)
	}
	slices.SortFunc(claims, byAge)
	for _, i := range claims {
		if i.Open().Sign() <= 0 || t.days(i.Due, at) <= 0 {
			continue
		}
		if since.IsZero() {
			since = i.Due
		}
		n := slices.IndexFunc(debts, func(m platform.Money) bool { return m.Currency() == i.Amount.Currency() })
		if n < 0 {
			debts = append(debts, i.Open())
		} else if debts[n], err = debts[n].Add(i.Open()); err != nil {
			return nil, time.Time{}, fmt.Errorf("debts of %s: %w", party, err)
		}
	}
	return debts, since, nil
}

// errRestricted is what a debtor hears who asks for what it lacks.
var errRestricted = platform.Err(platform.ErrState, "receivable.restricted", "not until what is overdue is paid", "付清逾期款项前不可操作")

// May returns a check that the party still stands as it was read, which belongs
// in the set that relies on the capability; none for a party that never owed
// anything. It fails with ErrState, code receivable.restricted, while dunning has
// taken the capability.
func (d Debts) May(ctx context.Context, party platform.ID, capability string, _ time.Time) ([]platform.Change, error) {
	debtor, err := d.Store.Debtor(ctx, debtorOf(party))
	switch {
	case errors.Is(err, platform.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case slices.Contains(debtor.Restricted, capability):
		return nil, fmt.Errorf("%s by %s: %w", capability, party, errRestricted)
	}
	return []platform.Change{platform.Unchanged(debtor)}, nil
}

// Held is [Debts.May] for payouts: it fails while dunning has stopped those of
// the party.
func (d Debts) Held(ctx context.Context, party platform.ID, at time.Time) ([]platform.Change, error) {
	return d.May(ctx, party, "payout", at)
}
