package console

import (
	"net/http"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
)

type catalogueView struct {
	Class platform.Class // shown; empty for all
	Tabs  []catalogueTab
	Kinds []cataloguedKind
}

type catalogueTab struct {
	Class platform.Class
	Count int
}

type cataloguedKind struct {
	Name   string
	Fields []market.DataField
}

// catalogue reads the fields of every kind, or those of one class.
func (c console) catalogue(r *http.Request) (any, error) {
	all, err := market.Catalogue(market.Stored())
	if err != nil {
		return nil, err
	}
	v := catalogueView{Class: platform.Class(r.URL.Query().Get("class"))}
	counts := map[platform.Class]int{"": len(all)}
	for _, f := range all {
		counts[f.Class]++
		if v.Class != "" && f.Class != v.Class {
			continue
		}
		if n := len(v.Kinds); n == 0 || v.Kinds[n-1].Name != f.Kind {
			v.Kinds = append(v.Kinds, cataloguedKind{Name: f.Kind})
		}
		last := &v.Kinds[len(v.Kinds)-1]
		last.Fields = append(last.Fields, f)
	}
	for _, class := range []platform.Class{"", platform.Public, platform.Internal, platform.Personal, platform.Sensitive, platform.Secret} {
		v.Tabs = append(v.Tabs, catalogueTab{class, counts[class]})
	}
	return v, nil
}
