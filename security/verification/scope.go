package verification

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Age is the attribute that every party has: whole days since it joined.
const Age = "age"

// Scope is a predicate over a party's attributes; the zero Scope holds for
// everybody. Comparing needs Of and Values, one of them but for "in"; "and" and
// "or" need Parts, and "not" one of them.
//
// What depends on an attribute that nobody told, or that is no number where one is
// needed, is unknown: a requirement whose scope is unknown applies.
type Scope struct {
	Op     string   `json:"op,omitempty"` // eq in ge lt and or not
	Of     string   `json:"of,omitempty"`
	Values []string `json:"values,omitempty"`
	Parts  []Scope  `json:"parts,omitempty"`
}

const (
	maxDepth = 5
	maxTerms = 50
)

// Check returns FieldErrors, code requirement.predicate, for a scope that is none.
func (s Scope) Check() error {
	terms := 0
	if s.zero() || s.sound(1, &terms) && terms <= maxTerms {
		return nil
	}
	return platform.Wrong("scope", errPredicate)
}

func (s Scope) zero() bool {
	return s.Op == "" && s.Of == "" && len(s.Values) == 0 && len(s.Parts) == 0
}

func (s Scope) sound(depth int, terms *int) bool {
	*terms++
	compares := s.Of != "" && len(s.Parts) == 0
	switch s.Op {
	case "eq":
		return compares && len(s.Values) == 1
	case "in":
		return compares && len(s.Values) > 0 && len(s.Values) <= maxTerms
	case "ge", "lt":
		if !compares || len(s.Values) != 1 {
			return false
		}
		_, err := decimal.NewFromString(s.Values[0])
		return err == nil
	case "and", "or", "not":
		fits := s.Of == "" && len(s.Values) == 0 && len(s.Parts) > 0 && depth < maxDepth && (s.Op != "not" || len(s.Parts) == 1)
		return fits && !slices.ContainsFunc(s.Parts, func(p Scope) bool { return !p.sound(depth+1, terms) })
	}
	return false
}

// truth is of three values: no, unknown, yes.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// applies tells whether a requirement of this scope is asked of the party.
func (s Scope) applies(p *Party, now time.Time) bool { return s.holds(p, now) != no }

func (s Scope) holds(p *Party, now time.Time) truth {
	switch s.Op {
	case "":
		return yes
	case "not":
		return -s.Parts[0].holds(p, now)
	case "and":
		all := yes
		for _, part := range s.Parts {
			all = min(all, part.holds(p, now))
		}
		return all
	case "or":
		some := no
		for _, part := range s.Parts {
			some = max(some, part.holds(p, now))
		}
		return some
	}
	return s.compare(p, now)
}

func (s Scope) compare(p *Party, now time.Time) truth {
	value, known := p.attribute(s.Of, now)
	if !known {
		return unknown
	}
	if s.Op == "eq" || s.Op == "in" {
		return truthOf(slices.Contains(s.Values, value))
	}
	n, err := decimal.NewFromString(value)
	bound, wrong := decimal.NewFromString(s.Values[0])
	if err != nil || wrong != nil {
		return unknown
	}
	return truthOf(n.LessThan(bound) == (s.Op == "lt"))
}

// ages are the moments at which a scope can change its mind, for each of its
// terms about the party's age.
func (s Scope) ages(since time.Time) (at []time.Time) {
	for _, part := range s.Parts {
		at = append(at, part.ages(since)...)
	}
	if s.Of != Age || since.IsZero() {
		return at
	}
	for _, value := range s.Values {
		days, err := decimal.NewFromString(value)
		if err != nil || days.Abs().GreaterThan(decimal.New(1, 6)) {
			continue
		}
		whole := time.Duration(days.Ceil().IntPart()) * day
		at = append(at, since.Add(whole), since.Add(whole+day))
	}
	return at
}
