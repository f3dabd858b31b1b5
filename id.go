package platform

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Refusals of identifiers.
var (
	errIDMalformed = Err(ErrInvalid, "id.malformed", "not an identifier", "标识格式错误")
	errIDKind      = Err(ErrInvalid, "id.wrong_kind", "an identifier of another kind of record", "标识属于另一类记录")
)

// Slot is where a record lives: 0 to 4095, inside the id of every record. A
// child has the slot of its aggregate root, so one set of changes stays in one
// place however the store is divided.
type Slot uint16

const slots = 4096

// ID names a record: three lower-case letters for its kind, "_", and 26
// characters of lower-case Crockford base32 that hold a UUIDv7 whose rand_a
// bits are the slot. Text order is time order, to the millisecond.
//
// The empty ID names nothing. A few ids are names rather than made by [NewID]:
// counters, the system actor and an institution; [ParseID] refuses those.
type ID string

const (
	alphabet  = "0123456789abcdefghjkmnpqrstvwxyz"
	prefixLen = 3
	idLen     = prefixLen + 1 + 26
	maxMillis = 1<<48 - 1
)

// NewID makes the id of a record from its kind's prefix, a moment (used to the
// millisecond; before 1970 counts as 1970), the slot of its root and 62 random
// bits. Same arguments, same id. The layout is frozen.
func NewID(prefix string, at time.Time, slot Slot, random uint64) ID {
	ms := min(max(at.UnixMilli(), 0), maxMillis)
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(ms)<<16|7<<12|uint64(slot%slots))
	binary.BigEndian.PutUint64(u[8:], 1<<63|random&(1<<62-1))
	return IDFromUUID(prefix, u)
}

// IDFromUUID is the text form of a UUID that a store kept in binary.
func IDFromUUID(prefix string, u [16]byte) ID {
	var text [idLen]byte
	copy(text[:], prefix)
	text[prefixLen] = '_'
	high, low := binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])
	for i := idLen - 1; i > prefixLen; i-- {
		text[i] = alphabet[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return ID(text[:])
}

// ParseID reads an id strictly: three lower-case letters, exact length, lower
// case, version 7. It fails with ErrInvalid, code id.malformed. Whether the
// prefix is that of a known kind is the store's affair.
func ParseID(text string) (ID, error) {
	id := ID(text)
	if _, ok := id.bits(); !ok {
		return "", errIDMalformed
	}
	return id, nil
}

// UUID is the id's 16 bytes; zero for an id that [ParseID] would refuse.
func (id ID) UUID() (u [16]byte) {
	if parsed, ok := id.bits(); ok {
		u = parsed
	}
	return u
}

func (id ID) bits() (u [16]byte, ok bool) {
	if len(id) != idLen || id[prefixLen] != '_' || id[prefixLen+1] > '7' {
		return u, false
	}
	for _, c := range []byte(id[:prefixLen]) {
		if c < 'a' || c > 'z' {
			return u, false
		}
	}
	var high, low uint64
	for _, c := range []byte(id[prefixLen+1:]) {
		digit := strings.IndexByte(alphabet, c)
		if digit < 0 {
			return u, false
		}
		high, low = high<<5|low>>59, low<<5|uint64(digit)
	}
	binary.BigEndian.PutUint64(u[:8], high)
	binary.BigEndian.PutUint64(u[8:], low)
	return u, u[6]>>4 == 7 && u[8]>>6 == 2
}

// Prefix is the three letters that tell the kind; "" for a name.
func (id ID) Prefix() string {
	if len(id) != idLen || id[prefixLen] != '_' {
		return ""
	}
	return string(id[:prefixLen])
}

// Slot is where the record lives; a name, which carries none, hashes to one.
func (id ID) Slot() Slot {
	if u, ok := id.bits(); ok {
		return Slot(binary.BigEndian.Uint16(u[6:8]) % slots)
	}
	return Key{Name: string(id)}.Slot()
}

// Time is the moment in the id, to the millisecond; zero for a name.
func (id ID) Time() time.Time {
	u, ok := id.bits()
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)).UTC()
}

// As is the id with the same bits under another prefix: the id of a record of
// which each owner has exactly one, such as a refund's pending posting.
func (id ID) As(prefix string) ID {
	if len(id) != idLen {
		return id
	}
	return ID(prefix) + id[prefixLen:]
}

// Ref names a record together with its kind. Its text is "kind/id".
type Ref struct {
	Kind string
	ID   ID
}

// String is "kind/id", and "" for the zero Ref.
func (r Ref) String() string {
	if r == (Ref{}) {
		return ""
	}
	return r.Kind + "/" + string(r.ID)
}

// MarshalText writes "kind/id".
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote. It fails with ErrInvalid, code
// id.malformed, for text without a kind.
func (r *Ref) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Ref{}
		return nil
	}
	kind, id, found := strings.Cut(string(text), "/")
	if !found || kind == "" || id == "" {
		return fmt.Errorf("read reference: %w", errIDMalformed)
	}
	*r = Ref{Kind: kind, ID: ID(id)}
	return nil
}

// Counter names the counter of the given name and unit: an account's balance,
// a budget, a quota. Its unit is a currency code or whatever is counted.
func Counter(name, unit string) Ref { return Ref{Kind: "counter", ID: ID(name + "/" + unit)} }

// IDs draws the random bits of new ids; a seeded source makes a run repeatable
// to the bit. It may be called by several goroutines at once. [Update] numbers the
// events of a set in the low 14 bits, so a source that merely counts gives one id
// twice.
type IDs func() uint64

func randomIDs() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return binary.BigEndian.Uint64(b[:])
}
