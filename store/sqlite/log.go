package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Movements lie by counter and number, with no keys beside them: they are the
// most of all rows. A scan reads them in order from about where its bounds say,
// and compares each one's key, made here, with the bounds themselves.

// course is a way through the movements.
type course struct {
	statement string // with %s for the conditions
	order     []string
	text      string // what comes first in the order: a column
	prefix    string // of the text in a key
	counted   bool   // the number comes next in the order
	low, high string // in the form of key
	key       func(platform.Movement, string) string
}

const byLog = "select " + movement + " from movement m where %s"

func newCourse(b store.Bounds) course {
	switch b.Index {
	case 0: // a name that begins another is before it, but its log need not be
		return course{
			statement: "select " + movement + " from counter c cross join movement m on m.log = c.name || '#' where %s",
			order:     []string{"c.name", "m.seq"}, text: "c.name", prefix: store.Counter + "/", counted: true,
			low: b.Low, high: b.High, key: func(m platform.Movement, id string) string { return keyed(m.Counter, m.Seq) + id },
		}
	case 1:
		return course{
			statement: byLog, order: []string{"m.cause", "m.log || printf('%019d', m.seq)"}, text: "m.cause",
			low: b.Low, high: b.High, key: func(m platform.Movement, id string) string { return keyed(m.Cause) + id },
		}
	}
	c := course{
		statement: byLog, order: []string{"m.log", "m.seq"}, text: "m.log", counted: true,
		low: placed(b.Low), key: func(_ platform.Movement, id string) string { return placed(id) },
	}
	if b.High != "" {
		c.high = placed(b.High)
	}
	return c
}

// keyed is a key of values that every key can hold.
func keyed(values ...any) string {
	key, _ := store.Key(values...)
	return key
}

// placed is the key of an id, or of a bound that is no whole one: of the
// counter's name and "#", then of the number, so that it orders as the log does.
func placed(id string) string {
	exact := strings.TrimSuffix(id, "\x00") // a cursor's, behind the row itself
	log, seq, ok := numbered(exact)
	if !ok {
		return keyed(id)
	}
	return keyed(log, seq) + id[len(exact):]
}

// split reads how a bound begins: its text, and the number behind it. What is
// cut short or of another type reads as the least or the most that it can be;
// beyond tells that it is behind all rows.
func (c course) split(bound string, number int64) (text string, seq int64, beyond bool) {
	if bound[0] != keyText {
		return "", number, bound[0] > keyText
	}
	text, rest := unquote(bound[1:])
	after, ours := strings.CutPrefix(text, c.prefix)
	if !ours {
		return "", number, text > c.prefix
	}
	if c.counted && len(rest) >= 9 && rest[0] == keyInt {
		number = int64(binary.BigEndian.Uint64([]byte(rest[1:9])) ^ 1<<63)
	}
	return after, number, false
}

// unquote reads a text at the beginning of a key: it ends with two zeros, and a
// zero inside is followed by 255.
func unquote(key string) (text, rest string) {
	end := len(key)
	for i := 0; i < len(key); i++ {
		if key[i] != 0 {
			continue
		}
		if i+1 == len(key) || key[i+1] != 0xff {
			end, rest = i, key[min(i+2, len(key)):]
			break
		}
		i++
	}
	return strings.ReplaceAll(key[:end], "\x00\xff", "\x00"), rest
}

// As in the keys that package store makes.
const (
	keyInt  = 2
	keyText = 4
)

// conditions narrow the movements to about what lies in the bounds.
func (c course) conditions() (where string, args []any, none bool) {
	where = "true"
	if c.low != "" {
		text, seq, beyond := c.split(c.low, 0)
		if beyond {
			return "", nil, true
		}
		c.bound(&where, &args, ">=", text, seq, 0)
	}
	if c.high != "" {
		if text, seq, beyond := c.split(c.high, math.MaxInt64); !beyond {
			c.bound(&where, &args, "<=", text, seq, math.MaxInt64)
		}
	}
	return where, args, false
}

// bound keeps the text on one side, and where it is the text itself, the number.
func (c course) bound(where *string, args *[]any, side, text string, seq, otherwise int64) {
	*where += " and " + c.text + " " + side + " ?"
	*args = append(*args, text)
	if c.counted {
		*where += " and m.seq " + side + " case when " + c.text + " = ? then ? else ? end"
		*args = append(*args, text, seq, otherwise)
	}
}

func (v view) scanMovements(ctx context.Context, p *page) error {
	c := newCourse(p.bounds)
	where, args, none := c.conditions()
	if none {
		return nil
	}
	rows, err := v.by.QueryContext(ctx, fmt.Sprintf(c.statement, where)+order(p.bounds.Backward, c.order...), args...)
	if err != nil {
		return err
	}
	return walk(rows, func() (bool, error) {
		m, err := moved(rows)
		if err != nil {
			return false, err
		}
		r := logged(m)
		id := string(r.Ref.ID)
		key := c.key(m, id)
		if key < c.low || c.high != "" && key >= c.high {
			return true, nil
		}
		if p.bounds.Index < 0 {
			key = id
		}
		return p.add(r, key), nil
	})
}
