package claim

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Limit is how much may be spent a day on a category. What is empty holds for
// all: a city for those that have no limit of their own, a class for every class.
// A category with limits none of which matches has no limit that is met.
type Limit struct {
	Category string         `json:"category"`
	City     string         `json:"city,omitempty"`
	Class    string         `json:"class,omitempty"`
	Rank     string         `json:"rank,omitempty"`
	Day      platform.Money `json:"day"` // Day is the per diem
}

// limits are the rows of a policy.
type limits []Limit

// met tells whether an item keeps to the limits of its category.
func (all limits) met(i Item, rank string) bool {
	best, found, limited := -1, Limit{}, false
	for _, l := range all {
		if l.Category != i.Category || l.Day.Currency() != i.Amount.Currency() {
			continue
		}
		limited = true
		score, matches := specific([3]string{l.City, l.Class, l.Rank}, [3]string{i.City, i.Class, rank})
		if matches && score > best {
			best, found = score, l
		}
	}
	if !limited || best < 0 {
		return !limited
	}
	most, err := found.Day.MulRate(decimal.NewFromInt(int64(i.Days)), platform.Down)
	if err != nil {
		return false
	}
	order, err := i.Amount.Cmp(most)
	return err == nil && order <= 0
}

// specific tells whether a row matches, and how closely: an empty word matches
// all, and earlier words count for more.
func specific(row, of [3]string) (score int, matches bool) {
	for i, word := range row {
		switch score <<= 1; word {
		case of[i]:
			if word != "" {
				score++
			}
		case "":
		default:
			return 0, false
		}
	}
	return score, true
}

// check refuses vouchers that no claim may have: of the future or too old, of two
// currencies, with more tax than amount.
func check(items []Item, now time.Time, age time.Duration) error {
	for n, i := range items {
		at := fmt.Sprintf("items[%d]", n)
		switch more, err := i.Tax.Cmp(i.Amount); {
		case i.Date.After(now), i.Date.Before(now.Add(-age)):
			return platform.Wrong(at+".date", ErrAge)
		case i.Amount.Currency() != items[0].Amount.Currency():
			return platform.Wrong(at+".amount", ErrCurrency)
		case err != nil, more > 0:
			return platform.Wrong(at+".tax", ErrAmount)
		}
	}
	return nil
}

// complete refuses items that lack their voucher, that share one, or that are
// above a limit without a reason.
func (all limits) complete(items []Item, rank string) error {
	seen := map[string]bool{}
	for n, i := range items {
		at := fmt.Sprintf("items[%d]", n)
		switch {
		case !i.Whole, i.Line == "":
			return platform.Wrong(at, ErrVoucher)
		case seen[i.File], seen[i.Voucher]:
			return fmt.Errorf("%s: %w", at, ErrDuplicateVoucher)
		case i.Exception == "" && !all.met(i, rank):
			return platform.Wrong(at+".exception", ErrLimit)
		}
		seen[i.File], seen[i.Voucher] = true, true
	}
	return nil
}
