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
	return export(w, language, []string{f.From.Format(time.RFC3339)}, []string{f.Until.Format(time.RFC3339)}, [][]Figure{f.Figures})
}

// WriteCSV writes the points as [Figures.WriteCSV] does.
func (s Series) WriteCSV(w io.Writer, language string) error {
	var from, until []string
	var figures [][]Figure
	for _, p := range s.Points {
		from, until = append(from, p.From.Format(time.RFC3339)), append(until, p.Until.Format(time.RFC3339))
		figures = append(figures, []Figure{p.Figure})
	}
	return export(w, language, from, until, figures)
}

var exported = []string{"from", "until", "measure", "version", "key", "unit", "value", "numerator", "denominator", "n", "low", "high", "suppressed", "numerator_means", "denominator_means"}

func export(w io.Writer, language string, from, until []string, figures [][]Figure) error {
	out := csv.NewWriter(w)
	rows := [][]string{exported}
	for i := range figures {
		for _, f := range figures[i] {
			rows = append(rows, slices.Concat([]string{from[i], until[i]}, f.cells(language)))
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}

// cells are the figure's columns of an export.
func (f Figure) cells(language string) []string {
	d, _ := definition(f.Name)
	means := []string{d.Numerator.In(language), d.Denominator.In(language)}
	head := []string{f.Name, strconv.Itoa(f.Version), f.Key, f.Unit}
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
