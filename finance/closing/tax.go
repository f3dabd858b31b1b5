package closing

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"crypto/sha256"
	"encoding/hex"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// TaxReport states what each merchant and staff member earned on the platform in
// a quarter. It is never changed: a correction is the next edition.
type TaxReport struct {
	platform.Head
	Quarter string      `json:"quarter" class:"internal"` // 2026-Q1
	Edition int         `json:"edition" class:"internal"` // 1, 2, 3 …
	Due     time.Time   `json:"due" class:"internal"`     // the end of the month after the quarter
	Parties int         `json:"parties" class:"internal"` // rows; 0 is a report that there is nothing to report
	Parts   int         `json:"parts" class:"internal"`   // in which the rows are kept
	Digest  string      `json:"digest" class:"internal"`  // SHA-256 of the rows as they are exported
	Before  platform.ID `json:"before,omitempty" class:"internal"`
	Reason  string      `json:"reason,omitempty" class:"internal"` // of a correction: a code
	By      platform.ID `json:"by" class:"internal"`
	At      time.Time   `json:"at" class:"internal"`
}

// Ref names the report.
func (r TaxReport) Ref() platform.Ref { return platform.Ref{Kind: reportKind, ID: r.ID} }

// TaxRow is what one party earned in a currency, without the months for which it is
// exempt from reporting. Whose identity it is, the vault knows under the party's id.
type TaxRow struct {
	Party      platform.ID       `json:"party"`
	Orders     int64             `json:"orders"`
	Gross      platform.Money    `json:"gross"`
	Refunds    platform.Money    `json:"refunds"`
	Commission platform.Money    `json:"commission"`
	Net        platform.Money    `json:"net"`                 // gross less refunds and commission
	Withheld   platform.Money    `json:"withheld,omitzero"`   // tax kept back of what it was paid; absent if none
	Exempt     map[string]string `json:"exempt,omitempty"`    // by month left out: the group for which the party was exempt all through it
	Correction *TaxRow           `json:"correction,omitzero"` // what differs from the edition before; nil if nothing does
}

// TaxPart is some rows of a report, which may have too many for one record.
type TaxPart struct {
	platform.Head
	Report platform.ID `json:"report" class:"internal"`
	Part   int         `json:"part" class:"internal"`
	Rows   []TaxRow    `json:"rows" class:"internal"`
}

// Ref names the part.
func (p TaxPart) Ref() platform.Ref { return platform.Ref{Kind: partKind, ID: p.ID} }

// taxRows is how many rows a part has.
const taxRows = 200

// reportID is the id of an edition: the quarter's first moment, and its number.
func reportID(start time.Time, edition int) platform.ID {
	return platform.NewID("txr", start, 0, uint64(edition))
}

// partID is the id of a part. The formula is frozen.
func partID(report platform.ID, part int) platform.ID {
	return under("txp", report, string(report)+"/"+strconv.Itoa(part))
}

// under is an id with the time and slot of another, and bits cut from SHA-256.
func under(prefix string, of platform.ID, name string) platform.ID {
	sum := sha256.Sum256([]byte(name))
	return platform.NewID(prefix, of.Time(), of.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// quarter is the first months of a quarter, "2026-Q1". It fails with ErrMonth.
func (s *Service) quarter(name string) ([]time.Time, error) {
	year, number, ok := strings.Cut(name, "-Q")
	y, err := strconv.Atoi(year)
	q, failed := strconv.Atoi(number)
	if !ok || err != nil || failed != nil || q < 1 || q > 4 || name != fmt.Sprintf("%04d-Q%d", y, q) {
		return nil, ErrMonth
	}
	months := make([]time.Time, 4) // the last is the month after
	for i := range months {
		months[i] = time.Date(y, time.Month(3*q-2+i), 1, 0, 0, 0, 0, s.zone)
	}
	return months, nil
}

// ReportTax states a quarter.
type ReportTax struct {
	Quarter string `json:"quarter" validate:"required,len=7"`
	Reason  string `json:"reason,omitempty" validate:"text=64"` // of a correction: a code
}

// ReportTax states a quarter whose three months are hard-closed: the first time as
// edition 1, and when its months were opened again since as the next edition, with
// the differences. Operators and the system may. It fails with ErrQuarter for a
// quarter that is not closed, and with ErrUnchanged when nothing differs.
func (s *Service) ReportTax(ctx context.Context, in ReportTax) (TaxReport, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && by.Kind != platform.System {
		err = ErrOperator
	}
	months, wrong := s.quarter(in.Quarter)
	if err == nil {
		err = wrong
	}
	if err != nil {
		return TaxReport{}, fmt.Errorf("report tax: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (TaxReport, []platform.Change, error) {
		p, err := s.ports.Books.Periods(ctx)
		if err != nil {
			return TaxReport{}, nil, err
		}
		if p.State(months[2].Format("2006-01")) != finance.PeriodHardClosed {
			return TaxReport{}, nil, fmt.Errorf("report tax of %s: %w", in.Quarter, ErrQuarter)
		}
		last, before, err := s.last(ctx, in.Quarter)
		if err != nil {
			return TaxReport{}, nil, err
		}
		rows, err := s.turnover(ctx, months[:3])
		if err != nil {
			return TaxReport{}, nil, err
		}
		r := TaxReport{
			Head: platform.Head{ID: reportID(months[0], last.Edition+1)}, Quarter: in.Quarter, Edition: last.Edition + 1,
			Due: months[3].AddDate(0, 1, 0).Add(-time.Microsecond).UTC(), Parties: len(rows), Before: last.ID, Reason: in.Reason, By: by.ID, At: s.w.Now(),
		}
		rows, changed, err := corrected(rows, before)
		if err != nil {
			return TaxReport{}, nil, err
		}
		if last.Edition > 0 && !changed {
			return TaxReport{}, nil, fmt.Errorf("report tax of %s: %w", in.Quarter, ErrUnchanged)
		}
		r.Parties = len(rows)
		if r.Digest, err = write(io.Discard, rows); err != nil {
			return TaxReport{}, nil, err
		}
		set := []platform.Change{platform.Unchanged(p)}
		for part := range slices.Chunk(rows, taxRows) {
			set = append(set, platform.Put(TaxPart{Head: platform.Head{ID: partID(r.ID, r.Parts)}, Report: r.ID, Part: r.Parts, Rows: part}))
			r.Parts++
		}
		event := platform.Happened("tax.reported", r.Ref(), struct {
			Quarter string `json:"quarter"`
			Edition int    `json:"edition"`
			Parties int    `json:"parties"`
			Digest  string `json:"digest"`
		}{r.Quarter, r.Edition, r.Parties, r.Digest}).Because(in.Reason)
		return r, append(set, platform.Put(r), event), nil
	})
}

// last is the last edition of a quarter with its rows; the zero report if there is
// none.
func (s *Service) last(ctx context.Context, quarter string) (last TaxReport, rows []TaxRow, err error) {
	for cursor := ""; ; {
		page, err := s.store.Reports(ctx, quarter, cursor)
		if err != nil {
			return last, nil, err
		}
		if n := len(page.Items); n > 0 {
			last = page.Items[n-1]
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for part := range last.Parts {
		p, err := s.store.Rows(ctx, last.ID, part)
		if err != nil {
			return last, nil, err
		}
		rows = append(rows, p.Rows...)
	}
	return last, rows, nil
}

// earner is whose row of a report it is.
type earner struct {
	party    platform.ID
	currency platform.Currency
}

// earned is what one earned in some months, and those for which it is exempt.
type earned struct {
	finance.Turnover
	exempt map[string]string
}

// add adds a month, of which tax is reported that was kept back, and income unless
// the party is exempt as one of a group.
func (e *earned) add(t finance.Turnover, group string) {
	if t.Withheld != nil {
		e.Withheld.Add(e.Withheld, t.Withheld)
	}
	if group != "" {
		e.exempt[t.Month] = group
		return
	}
	e.Orders += t.Orders
	e.Gross.Add(e.Gross, t.Gross)
	e.Refunds.Add(e.Refunds, t.Refunds)
	e.Commission.Add(e.Commission, t.Commission)
}

// row is the row of a report.
func (e *earned) row(of earner) (TaxRow, error) {
	row := TaxRow{Party: of.party, Orders: e.Orders}
	if len(e.exempt) > 0 {
		row.Exempt = e.exempt
	}
	sums := map[*platform.Money]*big.Int{&row.Gross: e.Gross, &row.Refunds: e.Refunds, &row.Commission: e.Commission, &row.Net: e.Net()}
	if e.Withheld.Sign() != 0 {
		sums[&row.Withheld] = e.Withheld
	}
	for to, minor := range sums {
		var err error
		if *to, err = money(of.currency, minor); err != nil {
			return TaxRow{}, fmt.Errorf("turnover of %s: %w", of.party, err)
		}
	}
	return row, nil
}

// turnover is what parties earned in some months, by party and currency.
func (s *Service) turnover(ctx context.Context, months []time.Time) ([]TaxRow, error) {
	sums := map[earner]*earned{}
	for _, month := range months {
		for cursor := ""; ; {
			page, err := s.ports.Books.Turnovers(ctx, month.Format("2006-01"), cursor)
			if err != nil {
				return nil, err
			}
			exemptions, err := s.store.Reported(ctx, parties(page.Items)...)
			if err != nil {
				return nil, err
			}
			for _, t := range page.Items {
				of := earner{t.Party, t.Currency}
				if sums[of] == nil {
					sums[of] = &earned{finance.Turnover{Gross: new(big.Int), Refunds: new(big.Int), Commission: new(big.Int), Withheld: new(big.Int)}, map[string]string{}}
				}
				sums[of].add(t, exemptions[t.Party].Exempt(month, month.AddDate(0, 1, 0)))
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
	rows := []TaxRow{}
	for _, of := range slices.SortedFunc(maps.Keys(sums), func(a, b earner) int {
		return slices.Compare([]string{string(a.party), a.currency.String()}, []string{string(b.party), b.currency.String()})
	}) {
		row, err := sums[of].row(of)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// parties are those of turnovers.
func parties(all []finance.Turnover) (ids []platform.ID) {
	for _, t := range all {
		ids = append(ids, t.Party)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// corrected are rows with what differs from the edition before. One that is gone
// stays, with zeros.
func corrected(rows, before []TaxRow) (all []TaxRow, changed bool, err error) {
	was := map[earner]TaxRow{}
	for _, r := range before {
		was[earner{r.Party, r.Gross.Currency()}] = r
	}
	for _, r := range rows {
		of := earner{r.Party, r.Gross.Currency()}
		old, known := was[of]
		delete(was, of)
		if len(before) > 0 {
			if r, err = r.against(old, known); err != nil {
				return nil, false, err
			}
		}
		all, changed = append(all, r), changed || r.Correction != nil || !known
	}
	for _, of := range slices.SortedFunc(maps.Keys(was), func(a, b earner) int { return strings.Compare(string(a.party), string(b.party)) }) {
		zero, err := platform.FromMinor(0, of.currency)
		if err != nil {
			return nil, false, err
		}
		none, err := TaxRow{Party: of.party, Gross: zero, Refunds: zero, Commission: zero, Net: zero}.against(was[of], true)
		if err != nil {
			return nil, false, err
		}
		all, changed = append(all, none), changed || none.Correction != nil
	}
	return all, changed, nil
}

// against notes what differs from the row of the edition before.
func (r TaxRow) against(old TaxRow, known bool) (TaxRow, error) {
	d := TaxRow{Party: r.Party, Orders: r.Orders - old.Orders, Gross: r.Gross, Refunds: r.Refunds, Commission: r.Commission, Net: r.Net, Withheld: r.Withheld}
	changed := !maps.Equal(r.Exempt, old.Exempt)
	if changed {
		d.Exempt = r.Exempt
	}
	if known {
		for _, m := range []struct {
			to  *platform.Money
			was platform.Money
		}{{&d.Gross, old.Gross}, {&d.Refunds, old.Refunds}, {&d.Commission, old.Commission}, {&d.Net, old.Net}} {
			var err error
			if *m.to, err = m.to.Add(m.was.Neg()); err != nil {
				return r, err
			}
		}
		if !old.Withheld.Absent() {
			if d.Withheld.Absent() {
				d.Withheld = old.Withheld.Neg()
			} else if sum, err := d.Withheld.Add(old.Withheld.Neg()); err != nil {
				return r, err
			} else if d.Withheld = sum; sum.Sign() == 0 {
				d.Withheld = platform.Money{}
			}
		}
	}
	if changed || !d.Withheld.Absent() || d.Orders != 0 || d.Gross.Sign() != 0 || d.Refunds.Sign() != 0 || d.Commission.Sign() != 0 || d.Net.Sign() != 0 {
		r.Correction = &d
	}
	return r, nil
}

// write writes rows as JSON lines, and returns their SHA-256 in hex.
func write(to io.Writer, rows []TaxRow) (string, error) {
	sum := sha256.New()
	lines := json.NewEncoder(io.MultiWriter(to, sum))
	for _, r := range rows {
		if err := lines.Encode(r); err != nil {
			return "", fmt.Errorf("write rows: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// TaxReports is a page of the editions of a quarter, or of all if it is empty.
// Operators, auditors and the system read them; others are refused with ErrReader.
func (s *Service) TaxReports(ctx context.Context, quarter, cursor string) (platform.Page[TaxReport], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[TaxReport]{}, err
	}
	return s.store.Reports(ctx, quarter, cursor)
}

// TaxReport is one report. It is refused as [Service.TaxReports] is.
func (s *Service) TaxReport(ctx context.Context, id platform.ID) (TaxReport, error) {
	if err := s.reader(ctx); err != nil {
		return TaxReport{}, err
	}
	return s.store.Report(ctx, id)
}

// ExportTax writes a report: a line of the report itself, then one a row, all
// JSON. The SHA-256 of the rows' lines is the report's digest. It is refused as
// [Service.TaxReports] is.
func (s *Service) ExportTax(ctx context.Context, id platform.ID, to io.Writer) error {
	r, err := s.TaxReport(ctx, id)
	if err != nil {
		return fmt.Errorf("export tax: %w", err)
	}
	if err := json.NewEncoder(to).Encode(r); err != nil {
		return fmt.Errorf("export tax: %w", err)
	}
	for part := range r.Parts {
		p, err := s.store.Rows(ctx, id, part)
		if err != nil {
			return fmt.Errorf("export tax: %w", err)
		}
		if _, err := write(to, p.Rows); err != nil {
			return fmt.Errorf("export tax: %w", err)
		}
	}
	return nil
}
