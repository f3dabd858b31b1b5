package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/liangding/platform"
)

// Names of the kinds that every adapter has besides those it was opened with.
// They are read like any other kind, and written only by way of Append and Add.
const (
	Event    = "event"
	Counter  = "counter"
	Movement = "movement"
)

// Limits of a set and of its documents.
const (
	MaxChanges  = 10_000
	MaxDocument = 1 << 20
	MaxSet      = 8 << 20
	maxDepth    = 64
	maxName     = 1024 // bytes of a claim's key
	maxKey      = 2048 // bytes of an index's key, which PostgreSQL bounds by a third of a page
	maxNumber   = 512  // characters, and the largest exponent, of a number in a document
)

// Refusals of a set, found before anything is read.
var (
	ErrSetEmpty     = platform.Err(platform.ErrInvalid, "set.empty", "a set without changes", "变更集为空")
	ErrSetTooLarge  = platform.Err(platform.ErrInvalid, "set.too_large", "a set has at most 10,000 changes and 8 MiB, its answer included", "变更集过大")
	ErrSetNoEvent   = platform.Err(platform.ErrInvalid, "set.no_event", "a set without an event", "变更集没有事件")
	ErrSetTwice     = platform.Err(platform.ErrInvalid, "set.twice", "one record written twice", "同一记录被写入两次")
	ErrSetMixed     = platform.Err(platform.ErrInvalid, "set.mixed", "derived records beside others", "派生记录不得与其他记录混合")
	ErrKind         = platform.Err(platform.ErrInvalid, "kind.unknown", "no such kind of record", "未知的记录类别")
	ErrNoContext    = platform.Err(platform.ErrInvalid, "ctx.missing", "a call without a ctx", "调用缺少ctx")
	ErrKey          = platform.Err(platform.ErrInvalid, "key.malformed", "a key has a scope and 1 to 255 visible ASCII characters", "键须有作用域及1至255个可见ASCII字符")
	ErrChange       = platform.Err(platform.ErrInvalid, "change.malformed", "a malformed change", "变更格式错误")
	ErrSlot         = platform.Err(platform.ErrInvalid, "id.slot", "a child outside the slot of its root", "子记录不在其根的槽位")
	ErrPrefix       = platform.Err(platform.ErrInvalid, "id.wrong_kind", "an identifier of another kind of record", "标识属于另一类记录")
	ErrEvent        = platform.Err(platform.ErrInvalid, "event.incomplete", "an event needs id, type, subject, actor and time", "事件缺少必要信息")
	ErrEventSlot    = platform.Err(platform.ErrInvalid, "event.slot", "an event outside the slot of its subject", "事件不在其主体的槽位")
	ErrDocument     = platform.Err(platform.ErrInvalid, "document.malformed", "a document that cannot be kept", "文档无法保存")
	ErrDocumentSize = platform.Err(platform.ErrInvalid, "document.too_large", "a document over 1 MiB", "文档超过1 MiB")
	ErrSchema       = platform.Err(platform.ErrUnavailable, "document.schema", "a document of an unknown schema", "文档的结构版本未知")
)

// Kinds are the kinds that an adapter was opened with, and the built-in ones.
type Kinds struct {
	byName map[string]*platform.Kind
	names  []string // in lock order: roots first, then by name
}

// NewKinds checks the declarations. It fails with ErrInvalid when one is
// faulty, or when a name or prefix is used twice.
func NewKinds(list []platform.Kind) (*Kinds, error) {
	k := &Kinds{byName: map[string]*platform.Kind{}}
	prefixes := map[string]string{}
	for _, kind := range append(builtin(), list...) {
		if err := errors.Join(kind.Fault(), unfit(kind)); err != nil {
			return nil, err
		}
		if other, taken := prefixes[kind.Prefix]; taken || k.byName[kind.Name] != nil {
			return nil, fmt.Errorf("kind %s: name or prefix %s already used by %s: %w", kind.Name, kind.Prefix, other, platform.ErrInvalid)
		}
		prefixes[kind.Prefix], k.byName[kind.Name] = kind.Name, &kind
		k.names = append(k.names, kind.Name)
	}
	for _, kind := range k.byName {
		if root := k.byName[kind.Root]; root != nil && root.Root != "" {
			return nil, fmt.Errorf("kind %s: %s is no root: %w", kind.Name, kind.Root, platform.ErrInvalid)
		}
	}
	slices.SortFunc(k.names, func(a, b string) int {
		if x, y := k.byName[a].Root != "", k.byName[b].Root != ""; x != y {
			if y {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return k, nil
}

// unfit says why no engine could keep the kind's columns and indexes.
func unfit(kind platform.Kind) error {
	zero, err := kind.Decode([]byte("{}"))
	if err != nil {
		return err
	}
	columns, err := kind.Promote(zero)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, c := range columns {
		if _, err := Key(c.Value); err != nil || names[c.Name] || c.Name == "" {
			return fmt.Errorf("kind %s: column %q is of no type or there twice: %w", kind.Name, c.Name, ErrColumn)
		}
		names[c.Name] = true
	}
	for _, index := range kind.Indexes {
		if len(index.By) == 0 {
			return fmt.Errorf("kind %s: an index over no column: %w", kind.Name, platform.ErrInvalid)
		}
	}
	return nil
}

// Names are the names of all kinds, in lock order.
func (k *Kinds) Names() []string { return k.names }

// Kind is the kind of that name, or an ErrInvalid with code kind.unknown.
func (k *Kinds) Kind(name string) (*platform.Kind, error) {
	if kind := k.byName[name]; kind != nil {
		return kind, nil
	}
	return nil, fmt.Errorf("kind %q: %w", name, ErrKind)
}

func builtin() []platform.Kind {
	return []platform.Kind{
		platform.Shape[platform.Event]{
			Name: Event, Prefix: "evt",
			Columns: func(e platform.Event) []platform.Column {
				return []platform.Column{{Name: "subject", Value: e.Subject}, {Name: "type", Value: e.Type}, {Name: "id", Value: e.ID}}
			},
			Indexes: []platform.Index{{By: []string{"subject", "id"}}, {By: []string{"type", "id"}}},
		}.Kind(),
		platform.Shape[platform.Count]{
			Name: Counter, Prefix: "ctr",
			Columns: func(platform.Count) []platform.Column { return nil },
		}.Kind(),
		platform.Shape[platform.Movement]{
			Name: Movement, Prefix: "mvt",
			Columns: func(m platform.Movement) []platform.Column {
				return []platform.Column{{Name: "counter", Value: m.Counter}, {Name: "seq", Value: m.Seq}, {Name: "cause", Value: m.Cause}}
			},
			Indexes: []platform.Index{{By: []string{"counter", "seq"}}, {By: []string{"cause"}}},
		}.Kind(),
	}
}

// Row is a record as an adapter keeps it.
type Row struct {
	platform.Record
	Columns []platform.Column
	Claims  []platform.Claim
	Keys    []string // as [Kinds.Keys] makes them, for adapters that order their indexes themselves
}

// Row derives from a document what an adapter keeps beside it.
func (k *Kinds) Row(ref platform.Ref, version int64, doc any) (*Row, error) {
	kind, err := k.Kind(ref.Kind)
	if err != nil {
		return nil, err
	}
	row := &Row{Record: platform.Record{Ref: ref, Version: version, Schema: kind.Schema}}
	if row.Doc, err = encode(doc); err != nil {
		return nil, fmt.Errorf("encode %s: %w", ref, err)
	}
	if row.Columns, err = kind.Promote(doc); err != nil {
		return nil, err
	}
	if row.Claims, err = kind.Claims(doc); err != nil {
		return nil, err
	}
	return row, row.fits()
}

// fits refuses what no engine could keep beside the document.
func (r *Row) fits() error {
	for _, c := range r.Columns {
		if t, ok := c.Value.(time.Time); ok && !t.IsZero() && !inTime(t) {
			return fmt.Errorf("%s column %s in the year %d: %w", r.Ref, c.Name, t.Year(), ErrDocument)
		}
	}
	for _, c := range r.Claims {
		if !isName(c.Scope) || len(c.Key) > maxName || !utf8.ValidString(c.Key) || strings.Contains(c.Key, "\x00") {
			return fmt.Errorf("%s claims in %.64q: %w", r.Ref, c.Scope, ErrDocument)
		}
	}
	return nil
}

// Stored is the row of a record as it was kept: an older schema is brought to
// the newest, and columns and claims are derived again. A schema of a newer
// program is ErrUnavailable, and the document is left alone.
func (k *Kinds) Stored(r platform.Record) (*Row, error) {
	row, _, err := k.decoded(r)
	return row, err
}

// decoded is the row, and the value of its document.
func (k *Kinds) decoded(r platform.Record) (*Row, any, error) {
	kind, err := k.Kind(r.Ref.Kind)
	if err != nil {
		return nil, nil, err
	}
	doc, err := upcast(kind, r)
	if err != nil {
		return nil, nil, err
	}
	value, err := kind.Decode(doc)
	if err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w", r.Ref, ErrSchema)
	}
	row := &Row{Record: platform.Record{Ref: r.Ref, Version: r.Version, Schema: kind.Schema, Doc: doc}}
	if row.Columns, err = kind.Promote(value); err != nil {
		return nil, nil, err
	}
	row.Claims, err = kind.Claims(value)
	return row, value, err
}

func upcast(kind *platform.Kind, r platform.Record) ([]byte, error) {
	if r.Schema < 1 || r.Schema > kind.Schema {
		return nil, fmt.Errorf("%s has schema %d of %d: %w", r.Ref, r.Schema, kind.Schema, ErrSchema)
	}
	doc := r.Doc
	for _, step := range kind.Upcasts[r.Schema-1:] {
		next, err := step(doc)
		if err != nil {
			return nil, fmt.Errorf("upcast %s: %w", r.Ref, ErrSchema)
		}
		doc = next
	}
	return doc, nil
}

// encode is the document as JSON that every engine can carry: valid UTF-8,
// without NUL, at most 64 deep and 1 MiB.
func encode(doc any) ([]byte, error) {
	if doc == nil {
		return nil, ErrDocument
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if len(b) > MaxDocument {
		return nil, ErrDocumentSize
	}
	return b, sound(b)
}

// sound looks for what json.Marshal lets pass: NUL, the escape that it writes
// for a byte that is not UTF-8 (a true U+FFFD stays as it is), and depth.
func sound(doc []byte) error {
	if !utf8.Valid(doc) { // a raw member is passed on as it came
		return ErrDocument
	}
	depth, text := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			text = !text
		case c == '\\':
			width := escape(doc[i:])
			if width == 0 {
				return ErrDocument
			}
			i += width - 1
		case text:
		case c == '-' || '0' <= c && c <= '9':
			width := number(doc[i:])
			if width == 0 {
				return ErrDocument
			}
			i += width - 1
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return ErrDocument
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// escape is the width of the escape that valid JSON goes on with, 0 for one that
// no text may hold: NUL, U+FFFD, half of a pair.
func escape(doc []byte) int {
	code := func(doc []byte) rune {
		if !bytes.HasPrefix(doc, []byte(`\u`)) {
			return 0
		}
		n, _ := strconv.ParseUint(string(doc[2:6]), 16, 32)
		return rune(n)
	}
	switch r := code(doc); {
	case doc[1] != 'u':
		return 2
	case r == 0 || r == utf8.RuneError:
		return 0
	case !utf16.IsSurrogate(r):
		return 6
	case utf16.DecodeRune(r, code(doc[6:])) == utf8.RuneError:
		return 0
	}
	return 12
}

// number is the width of the number that valid JSON goes on with, 0 for one that
// is longer or larger than every engine can carry.
func number(doc []byte) int {
	width := bytes.IndexFunc(doc, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) })
	if width < 0 {
		width = len(doc)
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(doc[:width])), "e")
	if n, err := strconv.Atoi(exponent); len(mantissa) > maxNumber || exponent != "" && (err != nil || max(n, -n) > maxNumber) {
		return 0
	}
	return width
}

// inTime tells whether t lies in 1970 to 9999, which every engine can keep.
func inTime(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9999 }
