package scorecard

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Row is one case that is known: what was seen of it at a moment, and whether it
// turned out bad.
type Row struct {
	ID      string
	At      time.Time
	Event   bool               // bad
	Numbers map[string]float64 // by feature; absent or NaN is missing
	Texts   map[string]string  // by feature; absent or empty is missing
}

func (r Row) value(name string, text bool) (number float64, level string, there bool) {
	if text {
		level = r.Texts[name]
		return 0, level, level != ""
	}
	number, there = r.Numbers[name]
	return number, "", there && !math.IsNaN(number)
}

// FitOptions say how a model is fitted.
type FitOptions struct {
	Until time.Time     // the moment of fitting
	Delay time.Duration // of labels: cases of the last such while are not used
	Seed  uint64        // of the intervals' resampling
}

// Rejected is a feature that the model does without, and why: weak, sign.
type Rejected struct {
	Name string  `json:"name"`
	Why  string  `json:"why"`
	IV   float64 `json:"iv"`
}

// penalties are those among which time-ordered validation chooses.
var penalties = []float64{ridge, 1e-2, 1e-1, 1, 10, 100}

const folds = 5

// Fit makes a scorecard of cases whose end is known: bins with weights of evidence,
// a ridge regression over them whose penalty is chosen by predicting each fifth of
// the time from what came before, and points. The same rows in any order, options
// and processor architecture give the same model and report.
//
// It fails with ErrCases for fewer than 100 rows in use, 30 bad or good ones, or two
// rows of one id, and with ErrFeatures when no feature tells them apart.
func Fit(rows []Row, o FitOptions) (Model, Report, error) {
	used, err := usable(rows, o)
	if err != nil {
		return Model{}, Report{}, err
	}
	penalty, tested, err := validated(used)
	if err != nil {
		return Model{}, Report{}, err
	}
	slices.SortFunc(used, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	telling, without := features(used)
	model, wrong, err := fit(used, telling, penalty)
	if err != nil {
		return Model{}, Report{}, err
	}
	if len(model.Features) == 0 {
		return Model{}, Report{}, fmt.Errorf("fit %d rows: %w", len(used), ErrFeatures)
	}
	report := measured(tested, o.Seed)
	report.Rows, report.Penalty, report.Rejected = len(used), penalty, slices.Concat(without, wrong)
	for _, f := range model.Features {
		if f.IV > leaking {
			report.Suspect = append(report.Suspect, f.Name)
		}
	}
	return model.pointed(), report, nil
}

// usable are the rows whose labels are old enough, in the order of time.
func usable(rows []Row, o FitOptions) ([]Row, error) {
	used := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.At.After(o.Until.Add(-o.Delay)) })
	slices.SortFunc(used, func(a, b Row) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	var all tally
	ids := make(map[string]bool, len(used))
	for _, r := range used {
		all.count(r.Event)
		ids[r.ID] = true
	}
	if all.n < 100 || all.events < 30 || all.n-all.events < 30 || len(ids) < all.n {
		return nil, fmt.Errorf("fit %d rows with %d events and %d ids: %w", all.n, all.events, len(ids), ErrCases)
	}
	return used, nil
}

// guess is what a model that had not seen it said about a row.
type guess struct {
	Row
	p     float64
	times float64 // that it counts
}

// validated is the penalty under which the past predicts best what came after, and
// those predictions.
func validated(rows []Row) (float64, []guess, error) {
	guesses, losses := make([][]guess, len(penalties)), make([]float64, len(penalties))
	for fold := 1; fold <= folds; fold++ {
		from, to := len(rows)*fold/(folds+1), len(rows)*(fold+1)/(folds+1)
		past := slices.SortedFunc(slices.Values(rows[:from]), func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
		telling, _ := features(past)
		for i, penalty := range penalties {
			m, _, err := fit(past, telling, penalty)
			if err != nil {
				return 0, nil, err
			}
			for _, r := range rows[from:to] {
				g := guess{r, m.Probability(r), 1}
				guesses[i], losses[i] = append(guesses[i], g), losses[i]+g.loss()
			}
		}
	}
	best := slices.Index(losses, slices.Min(losses))
	return penalties[best], guesses[best], nil
}

func (g guess) loss() float64 {
	p := math.Min(math.Max(g.p, 1e-9), 1-1e-9)
	if g.Event {
		return -math.Log(p)
	}
	return -math.Log(1 - p)
}

// fit is the model of rows in a fixed order, and what it does without: features
// whose evidence would count the wrong way round.
func fit(rows []Row, telling []Feature, penalty float64) (m Model, rejected []Rejected, _ error) {
	m.Features = slices.Clone(telling)
	events, x := make([]bool, len(rows)), make([][]float64, len(rows))
	for i, r := range rows {
		events[i], x[i] = r.Event, make([]float64, len(telling))
		for j, f := range telling {
			x[i][j] = f.of(r).WoE
		}
	}
	for {
		beta, err := regress(x, events, penalty)
		if err != nil {
			return Model{}, nil, err
		}
		m.Intercept = beta[0]
		worst := -1
		for j := range m.Features {
			m.Features[j].Beta = beta[j+1]
			if beta[j+1] <= 0 && (worst < 0 || beta[j+1] < beta[worst+1]) {
				worst = j
			}
		}
		if worst < 0 {
			return m, rejected, nil
		}
		rejected = append(rejected, Rejected{m.Features[worst].Name, "sign", m.Features[worst].IV})
		m.Features = slices.Delete(m.Features, worst, worst+1)
		for i := range x {
			x[i] = slices.Delete(x[i], worst, worst+1)
		}
	}
}

// features are those of the rows that tell something, binned, by name; and those
// that do not.
func features(rows []Row) (telling []Feature, rejected []Rejected) {
	texts := map[string]bool{}
	for _, r := range rows {
		for name := range r.Numbers {
			if _, known := texts[name]; !known {
				texts[name] = false
			}
		}
		for name := range r.Texts {
			texts[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if f := binned(rows, name, texts[name]); f.IV >= weak {
			telling = append(telling, f)
		} else {
			rejected = append(rejected, Rejected{name, "weak", f.IV})
		}
	}
	return telling, rejected
}
