package storetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/liangding/platform"
)

// The kinds that the laws write. They stand for nothing in the trade.
const (
	dutyKind     = "test.duty"     // a root with a claim, a flag and a deadline
	childKind    = "test.child"    // in the slot of a duty
	documentKind = "test.document" // a column of every type, any content
	legacyKind   = "test.legacy"   // whose schema grew twice
	seenKind     = "test.seen"     // derived
	fenceKind    = "test.fence"    // pinned
)

// kinds are all of them, the legacy kind as a program of the given schema
// declares it (1 to newest).
func kinds(schema int) []platform.Kind {
	return []platform.Kind{dutyShape.Kind(), childShape.Kind(), documentShape.Kind(), legacyAt(schema), seenShape.Kind(), fenceShape.Kind()}
}

// duty is on or off, for a team; its badge and its locker are unique.
type duty struct {
	platform.Head
	Team   string    `json:"team" class:"internal"`
	On     bool      `json:"on" class:"internal"`
	Count  int64     `json:"count" class:"internal"`
	Badge  string    `json:"badge,omitempty" class:"internal"`
	Locker string    `json:"locker,omitempty" class:"internal"`
	Due    time.Time `json:"due,omitzero" class:"internal"`
	Mark   string    `json:"mark,omitempty" class:"internal"` // who wrote it
}

func (d duty) Ref() platform.Ref { return platform.Ref{Kind: dutyKind, ID: d.ID} }

const badgeScope, lockerScope = "test.badge", "test.locker"

var dutyShape = platform.Shape[duty]{
	Name: dutyKind, Prefix: "dty",
	Columns: func(d duty) []platform.Column {
		return []platform.Column{{Name: "team", Value: d.Team}, {Name: "on", Value: d.On}, {Name: "count", Value: d.Count}, {Name: "due", Value: d.Due}}
	},
	Indexes: []platform.Index{{By: []string{"team", "count"}}, {By: []string{"on"}}, {By: []string{"due"}, Sparse: true}},
	Unique: func(d duty) (claims []platform.Claim) {
		if d.Badge != "" {
			claims = append(claims, platform.Claim{Scope: badgeScope, Key: d.Badge})
		}
		if d.Locker != "" {
			claims = append(claims, platform.Claim{Scope: lockerScope, Key: d.Locker})
		}
		return claims
	},
}

// child lives in the slot of its duty.
type child struct {
	platform.Head
	Duty  platform.ID `json:"duty" class:"internal"`
	Count int64       `json:"count" class:"internal"`
	Mark  string      `json:"mark,omitempty" class:"internal"`
}

func (c child) Ref() platform.Ref { return platform.Ref{Kind: childKind, ID: c.ID} }

var childShape = platform.Shape[child]{
	Name: childKind, Prefix: "chd", Root: dutyKind,
	RootOf:  func(c child) platform.ID { return c.Duty },
	Columns: func(c child) []platform.Column { return []platform.Column{{Name: "duty", Value: c.Duty}} },
	Indexes: []platform.Index{{By: []string{"duty"}}},
}

type word string

// document has a column of every type, each of which can be null but the
// numbers and the flag; Body is whatever JSON can carry.
type document struct {
	platform.Head
	Text   string          `json:"text,omitempty" class:"internal"`
	Word   word            `json:"word,omitempty" class:"internal"`
	Number int             `json:"number" class:"internal"`
	Large  int64           `json:"large" class:"internal"`
	Flag   bool            `json:"flag" class:"internal"`
	At     time.Time       `json:"at,omitzero" class:"internal"`
	Price  platform.Money  `json:"price,omitzero" class:"internal"`
	Owner  platform.ID     `json:"owner,omitempty" class:"internal"`
	About  platform.Ref    `json:"about,omitzero" class:"internal"`
	Body   json.RawMessage `json:"body,omitempty" class:"internal"`
}

func (d document) Ref() platform.Ref { return platform.Ref{Kind: documentKind, ID: d.ID} }

func (d document) columns() []platform.Column {
	return []platform.Column{
		{Name: "text", Value: d.Text}, {Name: "word", Value: d.Word}, {Name: "number", Value: d.Number},
		{Name: "large", Value: d.Large}, {Name: "flag", Value: d.Flag}, {Name: "at", Value: d.At},
		{Name: "price", Value: d.Price}, {Name: "owner", Value: d.Owner}, {Name: "about", Value: d.About},
	}
}

var documentShape = platform.Shape[document]{
	Name: documentKind, Prefix: "doc",
	Columns: document.columns,
	Indexes: []platform.Index{
		{By: []string{"text"}}, {By: []string{"word", "number"}}, {By: []string{"large"}}, {By: []string{"flag", "at"}},
		{By: []string{"price"}}, {By: []string{"owner", "text", "number"}}, {By: []string{"about"}}, {By: []string{"at"}, Sparse: true},
		{By: []string{"flag", "owner"}, Sparse: true},
	},
}

// seen is derived: an inbox entry, say.
type seen struct {
	platform.Head
	Count int64 `json:"count" class:"internal"`
}

func (s seen) Ref() platform.Ref { return platform.Ref{Kind: seenKind, ID: s.ID} }

var seenShape = platform.Shape[seen]{Name: seenKind, Prefix: "sen", Derived: true}

// fence is pinned: checked by many, replaced by few.
type fence struct {
	platform.Head
	Open bool `json:"open" class:"internal"`
}

func (f fence) Ref() platform.Ref { return platform.Ref{Kind: fenceKind, ID: f.ID} }

var fenceShape = platform.Shape[fence]{Name: fenceKind, Prefix: "fnc", Pinned: true}

// legacy is the newest schema: 1 had a label, 2 called it title, 3 counts its
// characters and promotes that.
type legacy struct {
	platform.Head
	Title  string `json:"title" class:"internal"`
	Length int    `json:"length" class:"internal"`
}

func (l legacy) Ref() platform.Ref { return platform.Ref{Kind: legacyKind, ID: l.ID} }

type legacy1 struct {
	platform.Head
	Label string `json:"label" class:"internal"`
}

func (l legacy1) Ref() platform.Ref { return platform.Ref{Kind: legacyKind, ID: l.ID} }

type legacy2 struct {
	platform.Head
	Title string `json:"title" class:"internal"`
}

func (l legacy2) Ref() platform.Ref { return platform.Ref{Kind: legacyKind, ID: l.ID} }

const newest = 3

var upcasts = []func([]byte) ([]byte, error){
	func(doc []byte) ([]byte, error) {
		var old legacy1
		err := json.Unmarshal(doc, &old)
		return encoded(legacy2{Head: old.Head, Title: old.Label}), err
	},
	func(doc []byte) ([]byte, error) {
		var old legacy2
		err := json.Unmarshal(doc, &old)
		return encoded(legacy{Head: old.Head, Title: old.Title, Length: utf8.RuneCountInString(old.Title)}), err
	},
}

func legacyAt(schema int) platform.Kind {
	switch schema {
	case 1:
		return platform.Shape[legacy1]{Name: legacyKind, Prefix: "lgc"}.Kind()
	case 2:
		return platform.Shape[legacy2]{Name: legacyKind, Prefix: "lgc", Schema: 2, Upcasts: upcasts[:1]}.Kind()
	}
	return platform.Shape[legacy]{
		Name: legacyKind, Prefix: "lgc", Schema: newest, Upcasts: upcasts,
		Columns: func(l legacy) []platform.Column { return []platform.Column{{Name: "length", Value: l.Length}} },
		Indexes: []platform.Index{{By: []string{"length"}}},
	}.Kind()
}

// encoded is v as JSON, nothing when it has none: malformed values are handed
// to stores on purpose.
func encoded(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return text
}

// decoded is a JSON document with its numbers as they were written.
func decoded(doc []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}
