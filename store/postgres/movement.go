package postgres

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// movementID is the id of a counter's movement: the counter's, and the number in
// a form that sorts.
func movementID(counter string, seq int64) platform.ID {
	return platform.ID(fmt.Sprintf("%s#%019d", counter, seq))
}

// numbered splits the id of a movement.
func numbered(id platform.ID) (counter string, seq int64, ok bool) {
	at := strings.LastIndexByte(string(id), '#')
	if at < 0 || len(id)-at != 20 {
		return "", 0, false
	}
	seq, err := strconv.ParseInt(string(id[at+1:]), 10, 64)
	return string(id[:at]), seq, err == nil && seq >= 0
}

func placedMovement(ref platform.Ref) place {
	counter, _, ok := numbered(ref.ID)
	if !ok {
		return place{slot: -1}
	}
	at := placed(platform.Ref{Kind: store.Counter, ID: platform.ID(counter)})
	at.ref = ref
	return at
}

// numbers are those of the movements at the places.
func (p places) numbers() []int64 {
	all := make([]int64, len(p))
	for i, at := range p {
		_, all[i], _ = numbered(at.ref.ID)
	}
	return all
}

func movementRecord(f found) (platform.Record, error) {
	m := platform.Movement{
		Counter: platform.Ref{Kind: store.Counter, ID: platform.ID(*f.name)}, Seq: *f.seq, Delta: f.version, After: *f.value,
		Event: platform.IDFromUUID("evt", f.id.Bytes), At: f.at.UTC(),
	}
	if err := m.Cause.UnmarshalText([]byte(f.doc)); err != nil {
		return platform.Record{}, fmt.Errorf("cause of movement %d of %s: %w", m.Seq, m.Counter, store.ErrSchema)
	}
	doc, err := json.Marshal(m)
	return platform.Record{Ref: platform.Ref{Kind: store.Movement, ID: movementID(*f.name, m.Seq)}, Version: 1, Schema: 1, Doc: doc}, err
}

// edge is a place in the order of a column of text and a number after it: the
// first row whose text is the given one and whose number is not lower, or whose
// text is behind.
type edge struct {
	text string
	seq  int64
	end  bool // behind every row
}

// before and behind all rows of a text.
func before(text string) edge { return edge{text: text, seq: math.MinInt64} }
func behind(text string) edge { return edge{text: text, seq: math.MaxInt64} }

// textEdge is the place of an index's key that begins with a text column, with
// the rest of the key behind that column; whole tells whether there is one.
func textEdge(key, prefix string) (e edge, rest string, whole bool) {
	const text = "\x04"
	switch {
	case key == "" || key[0] == 0 && len(key) == 1:
		return before(""), "", false
	case key[0] == 0:
		return before(""), key[1:], true // null, stored as ""
	case key < text:
		return behind(""), "", false
	case key[:1] > text:
		return edge{end: true}, "", false
	}
	name, rest, closed := strings.Cut(key[1:], "\x00")
	switch {
	case name < prefix:
		return before(""), "", false
	case !strings.HasPrefix(name, prefix):
		return edge{end: true}, "", false
	}
	name = name[len(prefix):]
	switch {
	case !closed || rest == "":
		return before(name), "", false
	case rest[0] > 0:
		return behind(name), "", false
	}
	return before(name), rest[1:], true
}

// byNumber is the place of a key of the index by counter and number.
func byNumber(key string) edge {
	e, rest, whole := textEdge(key, store.Counter+"/")
	if !whole || rest == "" || rest[0] < 2 {
		return e
	}
	if rest[0] > 2 {
		return behind(e.text)
	}
	var digits [8]byte
	tail := rest[1+copy(digits[:], rest[1:]):]
	seq := int64(binary.BigEndian.Uint64(digits[:]) ^ 1<<63)
	if seq < math.MaxInt64 && tail > string(movementID(e.text, seq)) {
		seq++
	}
	return edge{text: e.text, seq: seq}
}

// byID is the place of a movement's id, or of what one begins with, in the order
// of the counter's name with a "#" behind it, and the number.
func byID(id string) edge {
	at := strings.LastIndexByte(id, '#')
	if at < 0 {
		return before(id)
	}
	digits, more := id[at+1:], false
	if len(digits) > 19 {
		digits, more = digits[:19], true
	}
	digits += strings.Repeat("0", 19-len(digits))
	seq, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return before(id)
	}
	if more && seq < math.MaxInt64 {
		seq++
	}
	return edge{text: id[:at+1], seq: int64(seq)}
}
