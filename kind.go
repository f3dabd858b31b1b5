package platform

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Class says how careful one must be with a field (clause 2.3.1). It stands in
// the field's tag, with purpose, retention and legal basis from personal upwards:
//
//	Note platform.Sealed `json:"note,omitempty" class:"personal,fulfilment,3y,contract"`
//
// The tag of a field holds for everything below it.
type Class string

// The classes, from harmless to secret.
const (
	Public    Class = "public"
	Internal  Class = "internal"
	Personal  Class = "personal"
	Sensitive Class = "sensitive"
	Secret    Class = "secret"
)

// Sealed is a personal value as it is stored: the envelope that a [Sealer]
// made. Its plain text never reaches a document.
type Sealed []byte

// Field is one field of a kind's documents, as the data catalogue lists it.
type Field struct {
	Path      string // as in JSON: "lines[].amount"
	Class     Class
	Purpose   string
	Retention string // from the end of what the purpose is about: "3y", "6m", "30d"
	Basis     string // that the law knows: contract, consent, duty, interest (PIPL art. 13, GDPR art. 6)
}

// Column is a value promoted from the document, to be searched, sorted or due:
// a string (or a type made of one), ID, Ref, int, int64, bool, time.Time or
// Money. Times count to the microsecond. A zero time, an empty text and absent
// money are null.
type Column struct {
	Name  string
	Value any
}

// Index is an ordered list of columns that can be scanned.
type Index struct {
	By     []string
	Sparse bool // rows whose last column is null are left out
}

// Claim is a name that at most one record may hold, within its scope.
type Claim struct{ Scope, Key string }

// Kind is a sort of record as an engine knows it. Make one with [Shape].
type Kind struct {
	Name     string // "order", "finance.posting"; never reused
	Prefix   string // three letters, unique over all kinds
	Root     string // kind of the aggregate root; empty when it is one itself
	Indexes  []Index
	Derived  bool // recomputable from the log: its sets need no event
	Pinned   bool // rarely written, often checked: rules, fences
	Schema   int
	Upcasts  []func(doc []byte) ([]byte, error) // step i makes schema i+2 of i+1
	Fields   []Field
	Promote  func(doc any) ([]Column, error) // the columns of a document, in declared order
	Claims   func(doc any) ([]Claim, error)
	RootOf   func(doc any) (ID, error)
	Decode   func(doc []byte) (any, error)
	untagged []string
}

// Shape declares a kind by the Go type of its documents.
type Shape[T any] struct {
	Name, Prefix string
	Root         string // kind of the aggregate root, with RootOf
	RootOf       func(T) ID
	Columns      func(T) []Column // must name the same columns for every value
	Indexes      []Index
	Unique       func(T) []Claim
	Derived      bool
	Pinned       bool
	Schema       int // 0 means 1
	Upcasts      []func(doc []byte) ([]byte, error)
}

// Kind is the shape as an engine knows it.
func (s Shape[T]) Kind() Kind {
	k := Kind{
		Name: s.Name, Prefix: s.Prefix, Root: s.Root, Indexes: s.Indexes,
		Derived: s.Derived, Pinned: s.Pinned, Schema: max(s.Schema, 1), Upcasts: s.Upcasts,
		Promote: func(doc any) ([]Column, error) { return from(s.Name, doc, s.Columns) },
		Claims:  func(doc any) ([]Claim, error) { return from(s.Name, doc, s.Unique) },
		RootOf:  func(doc any) (ID, error) { return from(s.Name, doc, s.RootOf) },
		Decode: func(doc []byte) (any, error) {
			var v T
			err := json.Unmarshal(doc, &v)
			return v, err
		},
	}
	if s.RootOf == nil {
		k.RootOf = nil
	}
	k.classify(reflect.TypeFor[T](), "", Field{})
	return k
}

func from[T, V any](kind string, doc any, of func(T) V) (V, error) {
	var none V
	if of == nil {
		return none, nil
	}
	switch v := doc.(type) {
	case T:
		return of(v), nil
	case *T: //nolint:gocritic // a pointer is no T
		if v != nil {
			return of(*v), nil
		}
	}
	return none, fmt.Errorf("%T as a document of %s: %w", doc, kind, ErrInvalid)
}

// Fault says what is wrong with the declaration: a field without class, a
// personal one that is not sealed, an index over an unknown column, a child
// without its root. Engines refuse to open with such a kind.
func (k Kind) Fault() error {
	var wrong []string
	if _, err := ParseID(string(NewID(k.Prefix, time.Time{}, 0, 0))); err != nil || len(k.Prefix) != prefixLen || k.Name == "" {
		wrong = append(wrong, "needs a name and a prefix of three lower-case letters")
	}
	if (k.Root == "") != (k.RootOf == nil) {
		wrong = append(wrong, "needs Root and RootOf, or neither")
	}
	if len(k.untagged) > 0 {
		wrong = append(wrong, "no class on "+strings.Join(k.untagged, ", "))
	}
	if k.Schema != len(k.Upcasts)+1 {
		wrong = append(wrong, fmt.Sprintf("schema %d with %d upcasts", k.Schema, len(k.Upcasts)))
	}
	zero, err := k.Decode([]byte("{}"))
	if err != nil {
		return fmt.Errorf("kind %s: %w", k.Name, err)
	}
	columns, err := k.Promote(zero)
	if err != nil {
		return fmt.Errorf("kind %s: %w", k.Name, err)
	}
	for _, index := range k.Indexes {
		for _, name := range index.By {
			if !slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name }) {
				wrong = append(wrong, "index over unknown column "+name)
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("kind %s: %s: %w", k.Name, strings.Join(wrong, "; "), ErrInvalid)
	}
	return nil
}

var sealedType = reflect.TypeFor[Sealed]()

// classify walks the document's type and notes the class of every field.
func (k *Kind) classify(t reflect.Type, path string, under Field) {
	switch {
	case strings.Count(path, ".") > 32: // a type within itself
		k.note(t, path, under)
		return
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice && t != sealedType, t.Kind() == reflect.Map:
		k.classify(t.Elem(), path+"[]", under)
		return
	case t.Kind() != reflect.Struct || under.Class != "":
		k.note(t, strings.TrimSuffix(path, "[]"), under)
		return
	}
	opaque := true
	for f := range t.Fields() {
		seen := f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct // as JSON sees it
		opaque = opaque && !seen
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !seen {
			continue
		}
		at := path
		if !f.Anonymous || name != "" {
			at = strings.TrimPrefix(path+"."+name, ".")
		}
		k.classify(f.Type, at, classOf(f.Tag.Get("class")))
	}
	if opaque { // a value such as money or a moment
		k.note(t, strings.TrimSuffix(path, "[]"), under)
	}
}

func classOf(tag string) Field {
	part := append(strings.SplitN(tag, ",", 4), "", "", "")
	return Field{Class: Class(part[0]), Purpose: part[1], Retention: part[2], Basis: part[3]}
}

func (k *Kind) note(t reflect.Type, path string, f Field) {
	f.Path = path
	known := slices.Contains([]Class{Public, Internal, Personal, Sensitive, Secret}, f.Class)
	careful := known && f.Class != Public && f.Class != Internal
	if !known || careful && (t != sealedType || f.Purpose == "" || f.Retention == "" || f.Basis == "") {
		k.untagged = append(k.untagged, path)
	}
	k.Fields = append(k.Fields, f)
}
