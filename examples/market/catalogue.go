package market

import (
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
)

// DataField is one field of one kind of record, as the data catalogue lists it.
type DataField struct {
	Kind      string         `json:"kind"`
	Path      string         `json:"path"` // as in JSON: "lines[].amount"
	Class     platform.Class `json:"class"`
	Purpose   string         `json:"purpose,omitempty"`   // from personal upwards
	Retention string         `json:"retention,omitempty"` // from the end of what the purpose is about; or until "erasure"
	Basis     string         `json:"basis,omitempty"`     // that the law knows
}

// Stored are the kinds of all that is stored: of the market, and of the keys.
func Stored() []platform.Kind { return slices.Concat(Kinds(), vault.KeyKinds()) }

// Catalogue is every field of everything that is stored: of the kinds given, of
// those that every engine has, and of what engines keep beside records. It is made
// from the declarations by which the engines are opened, so nothing can be stored
// that is not in it.
func Catalogue(kinds []platform.Kind) ([]DataField, error) {
	known, err := store.NewKinds(kinds)
	if err != nil {
		return nil, err
	}
	var all []DataField
	for _, name := range known.Names() {
		kind, err := known.Kind(name)
		if err != nil {
			return nil, err
		}
		all = append(all, fieldsOf(*kind)...)
	}
	for _, kind := range beside() {
		all = append(all, fieldsOf(kind)...)
	}
	slices.SortStableFunc(all, func(a, b DataField) int { return strings.Compare(a.Kind, b.Kind) })
	return all, nil
}

func fieldsOf(kind platform.Kind) []DataField {
	all := make([]DataField, len(kind.Fields))
	for i, f := range kind.Fields {
		all[i] = DataField{Kind: kind.Name, Path: f.Path, Class: f.Class, Purpose: f.Purpose, Retention: f.Retention, Basis: f.Basis}
	}
	return all
}

// beside are, as kinds, what engines keep beside records. An answer's body is what
// the command answered with, sealed as the record is, and is forgotten after
// thirty days.
func beside() []platform.Kind {
	type key struct {
		Scope string `json:"scope" class:"internal"`
		Name  string `json:"name" class:"internal"`
	}
	type answer struct {
		Key    key    `json:"key"`
		Answer []byte `json:"answer" class:"internal"`
	}
	type claim struct {
		Scope string       `json:"scope" class:"internal"`
		Key   string       `json:"key" class:"internal"` // a blind index where it stands for a person
		Owner platform.Ref `json:"owner" class:"internal"`
	}
	type leaf struct {
		Event platform.ID `json:"event" class:"internal"`
		Hash  []byte      `json:"hash" class:"internal"`
	}
	type delivery struct {
		Event platform.ID `json:"event" class:"internal"`
		Sink  string      `json:"sink" class:"internal"`
		Last  string      `json:"last" class:"internal"`
	}
	return []platform.Kind{
		platform.Shape[answer]{Name: "answer"}.Kind(), platform.Shape[claim]{Name: "claim"}.Kind(),
		platform.Shape[leaf]{Name: "leaf"}.Kind(), platform.Shape[delivery]{Name: "delivery"}.Kind(),
	}
}
