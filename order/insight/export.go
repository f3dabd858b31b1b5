package insight

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// WriteCSV writes the figures, one a row, each with what its measure means: in
// Chinese for "zh", else in English. Numbers that are kept back are empty.
func (f Figures) WriteCSV(w io.Writer, language string) error {
	rows := make([][]string, len(f.Figures))
	for i, one := range f.Figures {
		rows[i] = one.row(f.From, f.Until, language)
	}
	return export(w, rows)
}

// WriteCSV writes the points as [Figures.WriteCSV] does.
func (s Series) WriteCSV(w io.Writer, language string) error {
	rows := make([][]string, len(s.Points))
	for i, p := range s.Points {
		rows[i] = p.Figure.row(p.From, p.Until, language)
	}
	return export(w, rows)
}

var exported = []string{"from", "until", "measure", "version", "key", "unit", "value", "numerator", "denominator", "n", "low", "high", "suppressed", "numerator_means", "denominator_means"}

func export(w io.Writer, rows [][]string) error {
	if err := csv.NewWriter(w).WriteAll(slices.Insert(rows, 0, exported)); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}

// row is the figure's row of an export.
func (f Figure) row(from, until time.Time, language string) []string {
	d, _ := definition(f.Name)
	means := []string{d.Numerator.In(language), d.Denominator.In(language)}
	head := []string{from.Format(time.RFC3339), until.Format(time.RFC3339), f.Name, strconv.Itoa(f.Version), f.Key, f.Unit}
	if f.Suppressed {
		return slices.Concat(head, []string{"", "", "", "", "", "", "true"}, means)
	}
	value, low, high := "", "", ""
	if v, known := f.Value(); known {
		value = number(v)
	}
	if f.Interval != nil {
		low, high = number(f.Interval.Low), number(f.Interval.High)
	}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	return slices.Concat(head, []string{value, whole(f.Numerator), whole(f.Denominator), whole(f.N), low, high, "false"}, means)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// In is the text in a language, English unless it is "zh".
func (t Text) In(language string) string {
	if language == "zh" {
		return t.ZH
	}
	return t.EN
}
