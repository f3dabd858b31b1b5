package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// sheet is the model of an index scan: all documents, by id.
type sheet map[platform.ID]document

// random is a document with values from small ranges, nulls and extremes among
// them, so that many are alike.
func (w *world) random(die *rand.Rand) document {
	pick := func(n int) int { return die.IntN(n) }
	owners := []platform.ID{"", platform.NewID("dty", dawn, 7, 1), platform.NewID("dty", dawn, 9, 2)}
	prices := []platform.Money{{}, platform.MustMoney("0.00", "CNY"), platform.MustMoney("-1.50", "CNY"), platform.MustMoney("12.34", "CNY"), platform.MustMoney("12", "JPY")}
	d := document{
		Head: platform.Head{ID: w.id("doc")},
		Text: []string{"", "a", "aa", "a b", "b", "Z", "é", "服务", "服务商", "😀"}[pick(10)],
		Word: []word{"", "x", "y"}[pick(3)], Number: []int{-2, -1, 0, 1, 1 << 40}[pick(5)],
		Large: []int64{-1 << 63, -1, 0, 1, 1<<63 - 1}[pick(5)], Flag: pick(2) == 0,
		Price: prices[pick(len(prices))], Owner: owners[pick(len(owners))],
	}
	if pick(4) > 0 {
		d.At = dawn.Add(time.Duration(pick(5)-2) * time.Microsecond)
	}
	if pick(3) > 0 {
		d.About = platform.Ref{Kind: dutyKind, ID: owners[1+pick(2)]}
	}
	return d
}

// query is a random question to an index, about values that occur in it.
func (rows sheet) query(die *rand.Rand, index platform.Index, equal int) platform.Query {
	some := rows.sorted(nil)
	q := platform.Query{Kind: documentKind, By: index.By, Backward: die.IntN(2) == 0, Limit: 1 + die.IntN(40)}
	row := some[die.IntN(len(some))]
	for _, name := range index.By[:equal] {
		q.Equal = append(q.Equal, row.column(name))
	}
	if equal == len(index.By) && equal > 0 {
		return q
	}
	edge := func() any {
		if len(index.By) == 0 {
			return some[die.IntN(len(some))].ID
		}
		for range 20 {
			if v := some[die.IntN(len(some))].column(index.By[equal]); !isNull(v) {
				return v
			}
		}
		return nil
	}
	switch die.IntN(4) {
	case 1:
		q.From = edge()
	case 2:
		q.Until = edge()
	case 3:
		q.From, q.Until = edge(), edge()
	}
	return q
}

// filter is what the query should find, in order.
func (rows sheet) filter(index platform.Index, q platform.Query) []document {
	found := slices.DeleteFunc(rows.sorted(index.By), func(d document) bool {
		if index.Sparse && isNull(d.column(index.By[len(index.By)-1])) {
			return true
		}
		for i, v := range q.Equal {
			if compare(d.column(index.By[i]), v) != 0 {
				return true
			}
		}
		if q.From == nil && q.Until == nil {
			return false
		}
		v := any(d.ID)
		if len(index.By) > 0 {
			v = d.column(index.By[len(q.Equal)])
		}
		return isNull(v) || q.From != nil && compare(v, q.From) < 0 || q.Until != nil && compare(v, q.Until) >= 0
	})
	if q.Backward {
		slices.Reverse(found)
	}
	return found
}

// sorted is all documents by the columns, and by id among equals.
func (rows sheet) sorted(by []string) []document {
	all := make([]document, 0, len(rows))
	for _, d := range rows {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b document) int {
		for _, name := range by {
			if c := compare(a.column(name), b.column(name)); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return all
}

func (d document) column(name string) any {
	all := d.columns()
	return all[slices.IndexFunc(all, func(c platform.Column) bool { return c.Name == name })].Value
}

// compare orders two values of one column: null, which comes first, then
// numbers and times by size, texts by byte, money by currency and then amount.
func compare(a, b any) int {
	if x, y := isNull(a), isNull(b); x || y {
		return cmp.Compare(truth(!x), truth(!y))
	}
	switch a := a.(type) {
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	case int:
		return cmp.Compare(a, b.(int))
	case int64:
		return cmp.Compare(a, b.(int64))
	case time.Time:
		return a.Compare(b.(time.Time))
	case platform.Money:
		b := b.(platform.Money)
		return cmp.Or(strings.Compare(a.Currency().String(), b.Currency().String()), cmp.Compare(a.Minor(), b.Minor()))
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool, int, int64:
		return false
	case time.Time:
		return v.IsZero()
	case platform.Money:
		return v == platform.Money{}
	}
	return fmt.Sprint(v) == ""
}
