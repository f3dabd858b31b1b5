package reconciliation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// Import is a file that an institution or a bank made of a day. What it says
// about itself is compared with its lines; what is left out is not.
type Import struct {
	File        io.Reader        `json:"-" validate:"-"` // read once, to its end
	Institution string           `json:"institution" validate:"required,max=64"`
	Account     string           `json:"account,omitempty" validate:"max=64"`
	Day         string           `json:"day" validate:"required,datetime=2006-01-02"`                        // in the institution's zone
	SHA256      string           `json:"sha256,omitempty" validate:"omitempty,len=64,hexadecimal,lowercase"` // of the file
	Lines       *int             `json:"lines,omitempty" validate:"omitempty,min=0"`                         // how many there are
	Net         []platform.Money `json:"net,omitempty" validate:"max=200"`                                   // what they sum up to, by currency
	Opening     []platform.Money `json:"opening,omitempty" validate:"max=200"`                               // the balance before them
	Closing     []platform.Money `json:"closing,omitempty" validate:"max=200"`                               // the balance after them
}

// valid checks the input. The names become part of an account's.
func (in Import) valid() error {
	if err := platform.Validate(in); err != nil {
		return err
	}
	for field, name := range map[string]string{"institution": in.Institution, "account": in.Account} {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != "" {
			return platform.Wrong(field, ErrName)
		}
	}
	return nil
}

// Fetch asks an institution for the statement of a day.
type Fetch struct {
	Institution string `json:"institution" validate:"required,max=64"`
	Account     string `json:"account,omitempty" validate:"max=64"`         // the id of a party, for the statement of its own account; empty for ours
	Day         string `json:"day" validate:"required,datetime=2006-01-02"` // in the institution's zone
}

// Import takes in a file with these columns, in any order, as RFC 4180 has it, in
// UTF-8 with or without a byte order mark:
//
//	id, kind, gross, currency, at            each row has them
//	key, reference, fee, net, batch          as far as they are known
//
// Amounts are decimal, and negative when money went out; at is RFC 3339; kind is
// one of charge, refund, split, split_return, payout, sweep, fee, chargeback,
// reversal and adjustment. The file is read once and never held as a whole. All
// of it comes in, or nothing.
//
// It fails with ErrDuplicate when the file, or a statement of this account and
// day, is in already, with ErrFormat and ErrRow for a file that cannot be read
// (the details line and column tell where), and with ErrTotals when the lines
// are not what the command says.
func (s *Service) Import(ctx context.Context, in Import) (Statement, error) {
	if err := in.valid(); err != nil {
		return Statement{}, err
	}
	if in.File == nil {
		return Statement{}, platform.Wrong("file", ErrFormat)
	}
	sum := sha256.New()
	all := io.TeeReader(in.File, sum)
	in.File = nil
	return s.take(ctx, in, "csv", readCSV(all), func() (string, error) {
		_, err := io.Copy(io.Discard, all) // nothing is left but what the reader need not see
		return hex.EncodeToString(sum.Sum(nil)), err
	})
}

// Fetch takes in what the institution says of a day. It fails with ErrNoSource
// for one that says nothing, with ErrNotReady when it is too early, and with
// ErrDuplicate when the day is in already.
func (s *Service) Fetch(ctx context.Context, in Fetch) (Statement, error) {
	if err := (Import{Institution: in.Institution, Account: in.Account, Day: in.Day}).valid(); err != nil {
		return Statement{}, err
	}
	tells, err := s.source(ctx, in)
	if err != nil {
		return Statement{}, fmt.Errorf("statement of %s: %w", accountName(in.Institution, in.Account), err)
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\x00%s\n", accountName(in.Institution, in.Account), in.Day) // a hash takes everything
	write := json.NewEncoder(sum)
	lines := func(yield func(Line, error) bool) {
		for l, err := range ask(ctx, tells, in.Day) {
			if err == nil {
				err = write.Encode(l)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
	return s.take(ctx, Import{Institution: in.Institution, Account: in.Account, Day: in.Day}, "gateway", lines, func() (string, error) {
		return hex.EncodeToString(sum.Sum(nil)), nil
	})
}

// teller is a page of what an institution tells of a day.
type teller func(ctx context.Context, day time.Time, cursor string) ([]payment.Line, string, error)

// source is who tells what moved an account: ours, or a party's own.
func (s *Service) source(ctx context.Context, in Fetch) (teller, error) {
	g, ok := s.gateways[in.Institution]
	if !ok {
		return nil, ErrNoSource
	}
	if in.Account == "" {
		return g.Lines, nil
	}
	party, ok := g.(payment.PartyStatements)
	if !ok || s.ports.Accounts == nil {
		return nil, ErrNoSource
	}
	if _, err := s.may(ctx); err != nil {
		return nil, err
	}
	name, err := s.ports.Accounts.AccountAt(ctx, in.Institution, platform.ID(in.Account))
	return func(ctx context.Context, day time.Time, cursor string) ([]payment.Line, string, error) {
		return party.PartyLines(ctx, name, day, cursor)
	}, err
}

// ask reads an institution's lines, page by page.
func ask(ctx context.Context, tells teller, date string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		at, err := time.Parse(time.DateOnly, date)
		for cursor := ""; err == nil; {
			var lines []payment.Line
			if lines, cursor, err = tells(ctx, at, cursor); err != nil {
				if errors.Is(err, payment.ErrRetryable) {
					err = errors.Join(ErrNotReady, err)
				}
				break
			}
			for _, told := range lines {
				l, wrong := lineOf(told)
				if !yield(l, wrong) || wrong != nil {
					return
				}
			}
			if cursor == "" {
				return
			}
		}
		yield(Line{}, err)
	}
}

// take writes the lines on sheets as they come, and then the statement, which
// alone makes them count.
func (s *Service) take(ctx context.Context, in Import, source string, lines iter.Seq2[Line, error], digest func() (string, error)) (Statement, error) {
	if _, err := s.may(ctx); err != nil {
		return Statement{}, fmt.Errorf("import statement: %w", err)
	}
	a := s.account(in.Institution, in.Account)
	from, err := time.ParseInLocation(time.DateOnly, in.Day, a.Zone)
	if err != nil {
		return Statement{}, platform.Wrong("day", ErrFormat)
	}
	st := Statement{
		Head: platform.Head{ID: s.w.NewRoot(ctx, "stm")}, Institution: in.Institution, Account: in.Account, Ledger: a.Ledger, Day: in.Day,
		Zone: a.Zone.String(), From: from.UTC(), Until: from.AddDate(0, 0, 1).UTC(), Source: source,
	}
	d, err := s.begin(ctx, st.draft(), st.Ref())
	if err != nil {
		return Statement{}, err
	}
	kept, err := s.write(ctx, st, in, lines, digest)
	if err != nil || kept.ID != st.ID { // refused, or in under the same key before
		err = errors.Join(err, s.discard(context.WithoutCancel(ctx), d))
	} else {
		err = s.sweep(context.WithoutCancel(ctx), d)
	}
	return kept, err
}

func (s *Service) write(ctx context.Context, st Statement, in Import, lines iter.Seq2[Line, error], digest func() (string, error)) (Statement, error) {
	out := pile[Line]{s: s, draft: st.draft(), what: ofLines, put: func(p *sheet, l []Line) { p.Lines = l }}
	for l, err := range lines {
		if err == nil {
			err = st.count(l)
		}
		if err == nil {
			err = out.add(ctx, l)
		}
		if err != nil {
			return Statement{}, fmt.Errorf("import %s of %s: %w", st.of(), st.Day, err)
		}
		st.Lines++
	}
	if err := out.flush(ctx); err != nil {
		return Statement{}, err
	}
	var err error
	if st.SHA256, err = digest(); err != nil {
		return Statement{}, err
	}
	if in.SHA256 != "" && in.SHA256 != st.SHA256 {
		return Statement{}, fmt.Errorf("import %s of %s, SHA-256 %s: %w", st.of(), st.Day, st.SHA256, ErrTotals)
	}
	st.Sheets = out.count
	return s.file(ctx, st, in)
}

// file is the statement with its balances, committed.
func (s *Service) file(ctx context.Context, st Statement, in Import) (Statement, error) {
	lines := slices.Clone(st.Totals)
	in.SHA256 = st.SHA256 // the command is what was read
	done, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Statement, []platform.Change, error) {
		next := st
		next.Totals = slices.Clone(lines)
		before, err := s.before(ctx, st)
		if err == nil {
			err = next.balance(in, before)
		}
		if err != nil {
			return Statement{}, nil, fmt.Errorf("import %s of %s: %w", st.of(), st.Day, err)
		}
		next.Imported = s.w.Now()
		event := platform.Happened("statement.imported", next.Ref(), told{next.Institution, next.Account, next.Day, next.SHA256, next.Totals})
		return next, []platform.Change{platform.Put(next), event}, nil
	})
	if platform.Code(err) == "taken" {
		err = fmt.Errorf("import %s of %s: %w", st.of(), st.Day, ErrDuplicate)
	}
	return done, err
}

// before are the totals of the last day before the statement's.
func (s *Service) before(ctx context.Context, st Statement) ([]Total, error) {
	for cursor := ""; ; {
		page, err := s.store.Statements(ctx, st.of(), cursor)
		if err != nil {
			return nil, err
		}
		for _, earlier := range page.Items {
			if earlier.Day < st.Day {
				return earlier.Totals, nil
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil, nil
		}
	}
}

// balance completes the totals, and compares them with what was told.
func (s *Statement) balance(in Import, before []Total) error {
	if in.Lines != nil && *in.Lines != s.Lines {
		return fmt.Errorf("%d lines of %d: %w", s.Lines, *in.Lines, ErrTotals)
	}
	for _, m := range slices.Concat(in.Net, in.Opening, in.Closing) {
		if m.Absent() {
			return fmt.Errorf("a total without a currency: %w", ErrTotals)
		}
		s.currency(m)
	}
	for _, t := range before {
		s.currency(t.Closing)
	}
	for i := range s.Totals {
		if err := s.Totals[i].balance(in, before); err != nil {
			return err
		}
	}
	slices.SortFunc(s.Totals, func(a, b Total) int { return cmp.Compare(a.Net.Currency().String(), b.Net.Currency().String()) })
	return nil
}

// currency makes a total of a currency that no line has.
func (s *Statement) currency(of platform.Money) {
	if slices.ContainsFunc(s.Totals, func(t Total) bool { return t.Net.Currency() == of.Currency() }) {
		return
	}
	none, _ := platform.FromMinor(0, of.Currency()) // money has one
	s.Totals = append(s.Totals, Total{Opening: none, Net: none, Closing: none})
}

func (t *Total) balance(in Import, before []Total) error {
	one := func(all []platform.Money) (platform.Money, bool) {
		at := slices.IndexFunc(all, func(m platform.Money) bool { return m.Currency() == t.Net.Currency() })
		if at < 0 {
			return platform.Money{}, false
		}
		return all[at], true
	}
	if net, said := one(in.Net); said && net != t.Net {
		return fmt.Errorf("net %s of %s: %w", t.Net, net, ErrTotals)
	}
	for _, b := range before {
		if b.Net.Currency() == t.Net.Currency() {
			t.Opening = b.Closing
		}
	}
	closing, ends := one(in.Closing)
	opening, begins := one(in.Opening)
	var err error
	switch {
	case begins:
		t.Opening = opening
	case ends:
		t.Opening, err = closing.Sub(t.Net)
	}
	if err == nil {
		t.Closing, err = t.Opening.Add(t.Net)
	}
	if err == nil && ends && t.Closing != closing {
		err = fmt.Errorf("closing %s of %s: %w", t.Closing, closing, ErrTotals)
	}
	t.Told = begins || ends
	return err
}

// Statement is one statement. Operators and auditors read it.
func (s *Service) Statement(ctx context.Context, id platform.ID) (Statement, error) {
	if err := s.reads(ctx); err != nil {
		return Statement{}, fmt.Errorf("statement %s: %w", id, err)
	}
	return s.store.Statement(ctx, id)
}

// Statements is a page of an account's statements, the last day first; account
// is the institution, and a slash and the account if there are several.
func (s *Service) Statements(ctx context.Context, account, cursor string) (platform.Page[Statement], error) {
	if err := s.reads(ctx); err != nil {
		return platform.Page[Statement]{}, fmt.Errorf("statements: %w", err)
	}
	return s.store.Statements(ctx, account, cursor)
}

// Lines are a thousand lines of a statement, from sheet no on; next is the number
// of the sheet that follows, 0 at the end.
func (s *Service) Lines(ctx context.Context, id platform.ID, no int) (lines []Line, next int, err error) {
	st, err := s.Statement(ctx, id)
	if err != nil || no < 0 || no >= st.Sheets {
		return nil, 0, err
	}
	page, err := s.store.sheet(ctx, sheetID(st.draft(), ofLines, no))
	if no+1 < st.Sheets {
		next = no + 1
	}
	return page.Lines, next, err
}
