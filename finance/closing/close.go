package closing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Close is what a month was when it was hard-closed. A month that was opened again
// gets the next version of its close.
type Close struct {
	platform.Head
	Month    string                 `json:"month" class:"internal"`
	Balances []finance.MonthBalance `json:"balances" class:"internal"`
	Count    int64                  `json:"count" class:"internal"`            // of postings, which is the last number of the journal
	Before   string                 `json:"before,omitempty" class:"internal"` // digest of the month before
	Digest   string                 `json:"digest" class:"internal"`           // SHA-256 of all of this and of the sum of every account
	Items    []Item                 `json:"items" class:"internal"`            // the checklist as it stood
	By       platform.ID            `json:"by" class:"internal"`
	At       time.Time              `json:"at" class:"internal"`
}

// Ref names the close.
func (c Close) Ref() platform.Ref { return platform.Ref{Kind: closeKind, ID: c.ID} }

// closeID is the id of a month's close: its first moment.
func closeID(month string) platform.ID {
	at, _ := time.Parse("2006-01", month)
	return platform.NewID("cls", at, 0, 0)
}

// SoftClose closes a month for all but accountants.
type SoftClose struct {
	Month string `json:"month" validate:"required,len=7"`
}

// HardClose closes a soft-closed month for good.
type HardClose struct {
	Month  string   `json:"month" validate:"required,len=7"`
	Waived []Waiver `json:"waived,omitempty" validate:"max=50,dive"`
}

// Waiver lets a month be closed though an item is not green.
type Waiver struct {
	Item   string `json:"item" validate:"required,text=64"`
	Reason string `json:"reason" validate:"required,text=64"` // a code
}

// AskReopen asks for the last closed month to be opened again by one step.
type AskReopen struct {
	Month  string `json:"month" validate:"required,len=7"`
	Reason string `json:"reason" validate:"required,text=64"` // a code
}

// Reopen opens a month for which somebody else asked.
type Reopen struct {
	Month string `json:"month" validate:"required,len=7"`
}

// SoftClose closes a month for all but accountants. Operators may. It fails with
// [finance.ErrPeriod] unless the month follows the last closed one and has been
// over for a day.
func (s *Service) SoftClose(ctx context.Context, in SoftClose) (finance.Periods, error) {
	return s.move(ctx, in, in.Month, "period.soft_closed", func(_ context.Context, p finance.Periods, _ platform.Actor) (finance.Periods, string, error) {
		next, err := p.SoftClose(in.Month, s.zone, s.w.Now())
		return next, "", err
	})
}

// AskReopen notes the wish to open the last closed month again. Operators may. It
// fails with [finance.ErrNotLast], and with ErrCutoff for a month on which auditors
// rely.
func (s *Service) AskReopen(ctx context.Context, in AskReopen) (finance.Periods, error) {
	return s.move(ctx, in, in.Month, "period.reopen_asked", func(ctx context.Context, p finance.Periods, by platform.Actor) (finance.Periods, string, error) {
		next, err := p.AskReopen(in.Month, in.Reason, by)
		if err == nil {
			err = s.reopens(ctx, in.Month)
		}
		return next, in.Reason, err
	})
}

// Reopen opens the month again: a hard-closed one is soft-closed then, a
// soft-closed one open. Operators may, but not who asked
// ([finance.ErrCloseFourEyes]), nor behind the auditors' cut-off (ErrCutoff).
func (s *Service) Reopen(ctx context.Context, in Reopen) (finance.Periods, error) {
	return s.move(ctx, in, in.Month, "period.reopened", func(ctx context.Context, p finance.Periods, by platform.Actor) (finance.Periods, string, error) {
		next, err := p.Reopen(in.Month, by)
		if err == nil {
			err = s.reopens(ctx, in.Month)
		}
		if err != nil {
			return next, "", err
		}
		return next, p.Asked.Reason, nil
	})
}

// told is what an event says of a period.
type told struct {
	Month  string `json:"month"`
	Count  int64  `json:"count,omitempty"`
	Digest string `json:"digest,omitempty"`
}

func (s *Service) move(ctx context.Context, in any, month, what string, decide func(context.Context, finance.Periods, platform.Actor) (finance.Periods, string, error)) (finance.Periods, error) {
	by, err := s.operator(ctx)
	if err == nil {
		_, err = s.start(month)
	}
	if err != nil {
		return finance.Periods{}, fmt.Errorf("%s: %w", what, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (finance.Periods, []platform.Change, error) {
		p, err := s.ports.Books.Periods(ctx)
		if err != nil {
			return finance.Periods{}, nil, err
		}
		next, reason, err := decide(ctx, p, by)
		if err != nil {
			return finance.Periods{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), platform.Happened(what, next.Ref(), told{Month: month}).Because(reason)}, nil
	})
}

// reopens refuses to open a month on which auditors rely. The fence was read
// before.
func (s *Service) reopens(ctx context.Context, month string) error {
	if s.ports.Cutoff == nil {
		return nil
	}
	last, err := s.ports.Cutoff.Cutoff(ctx)
	if err == nil && month <= last {
		err = fmt.Errorf("reopen %s: %w", month, ErrCutoff)
	}
	return err
}

// HardClose closes a month for good, and leaves its [Close]. Operators may. It
// fails with [finance.ErrPeriod] unless the month is soft-closed and the next in
// order, with ErrChecklist (details items) while an item is neither green nor
// waived, and with ErrWaiver for a waiver that is not needed or not possible.
func (s *Service) HardClose(ctx context.Context, in HardClose) (Close, error) {
	by, err := s.operator(ctx)
	if err == nil {
		_, err = s.start(in.Month)
	}
	if err != nil {
		return Close{}, fmt.Errorf("hard-close: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Close, []platform.Change, error) {
		p, err := s.ports.Books.Periods(ctx) // first: whatever enters the month afterwards moves it
		if err != nil {
			return Close{}, nil, err
		}
		next, err := p.HardClose(in.Month, s.w.Now())
		if err != nil {
			return Close{}, nil, err
		}
		items, err := s.Checklist(ctx, in.Month)
		if err != nil {
			return Close{}, nil, err
		}
		if items, err = waive(items, in.Waived); err != nil {
			return Close{}, nil, fmt.Errorf("hard-close %s: %w", in.Month, err)
		}
		c, err := s.closed(ctx, in.Month)
		if err != nil {
			return Close{}, nil, err
		}
		c.Items, c.By, c.At = items, by.ID, s.w.Now()
		event := platform.Happened("period.hard_closed", c.Ref(), told{c.Month, c.Count, c.Digest})
		return c, []platform.Change{platform.Put(next), platform.Put(c), event}, nil
	})
}

// waive notes waivers on items, and demands that all are green then.
func waive(items []Item, waivers []Waiver) ([]Item, error) {
	for _, w := range waivers {
		i := slices.IndexFunc(items, func(i Item) bool { return i.Name == w.Item })
		if i < 0 || items[i].Proof || items[i].Problem == "" {
			return nil, ErrWaiver // nor is what somebody typed repeated
		}
		items[i].Waived = w.Reason
	}
	var red []string
	for _, i := range items {
		if !i.Green() {
			red = append(red, i.Name)
		}
	}
	if len(red) > 0 {
		return nil, platform.Detail(ErrChecklist, "items", red)
	}
	return items, nil
}

// closed is the close of a month, computed from its sums.
func (s *Service) closed(ctx context.Context, month string) (Close, error) {
	start, err := s.start(month)
	if err != nil {
		return Close{}, err
	}
	c, err := s.store.Close(ctx, month)
	if err != nil {
		return Close{}, err
	}
	before, err := s.store.Close(ctx, start.AddDate(0, -1, 0).Format("2006-01"))
	if err != nil {
		return Close{}, err
	}
	c.Before = before.Digest
	if c.Balances, err = s.ports.Books.TrialBalanceOf(ctx, month); err != nil {
		return Close{}, err
	}
	sums, err := s.ports.Books.Sums(ctx, month, month)
	if err != nil {
		return Close{}, err
	}
	c.Count = 0
	for _, m := range sums {
		c.Count += m.Count
	}
	c.Digest, err = s.digest(ctx, c)
	return c, err
}

// digest is the SHA-256, in hex, over a line of the close and one of each account
// of no order that moved in its month.
func (s *Service) digest(ctx context.Context, c Close) (string, error) {
	sum := sha256.New()
	lines := json.NewEncoder(sum)
	err := lines.Encode(struct {
		Month, Before string
		Count         int64
		Balances      []finance.MonthBalance
	}{c.Month, c.Before, c.Count, c.Balances})
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", c.Month, err)
	}
	err = s.accounts(ctx, c.Month, "", func(a finance.AccountSum) { _ = lines.Encode(a) }) // a hash takes everything
	return hex.EncodeToString(sum.Sum(nil)), err
}

// Periods is how far the books are closed. It is refused as [Service.Closes] is.
func (s *Service) Periods(ctx context.Context) (finance.Periods, error) {
	if err := s.reader(ctx); err != nil {
		return finance.Periods{}, err
	}
	return s.ports.Books.Periods(ctx)
}

// Closes is a page of the closes of months, the first first. Operators, auditors
// and the system read them; others are refused with ErrReader.
func (s *Service) Closes(ctx context.Context, cursor string) (platform.Page[Close], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Close]{}, err
	}
	return s.store.Closes(ctx, cursor)
}

// Verify computes the close of every month that is hard-closed anew, and tells
// which are not what they were (V8). db must show one moment.
func Verify(ctx context.Context, db platform.Getter) (found []finance.Discrepancy, err error) {
	s := &Service{store: StoreOn(db), ports: Ports{Books: finance.Books{Store: finance.StoreOn(db)}}, zone: time.UTC}
	ctx = platform.As(ctx, platform.SystemActor("closing"))
	periods, err := s.ports.Books.Periods(ctx)
	for cursor := ""; err == nil; {
		var page platform.Page[Close]
		if page, err = s.store.Closes(ctx, cursor); err != nil {
			break
		}
		for _, c := range page.Items {
			if periods.State(c.Month) != finance.PeriodHardClosed {
				continue // opened again
			}
			want, err := s.closed(ctx, c.Month)
			if err != nil {
				return found, fmt.Errorf("verify close of %s: %w", c.Month, err)
			}
			if want.Digest != c.Digest || want.Count != c.Count || want.Before != c.Before {
				found = append(found, finance.Discrepancy{Rule: "V8", Ref: c.Ref(), Expected: want.Digest, Found: c.Digest})
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("verify closes: %w", err)
	}
	return found, err
}
