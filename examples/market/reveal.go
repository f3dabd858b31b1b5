package market

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
)

// Reveal asks to see a personal field of a record, for a purpose.
type Reveal struct {
	Record  platform.Ref `json:"record" validate:"required"`
	Field   string       `json:"field" validate:"required,max=100"` // as in the document: profile.contact
	Purpose string       `json:"purpose" validate:"required,max=64"`
	Reason  string       `json:"reason" validate:"required,max=64"` // a code
}

var errNoField = platform.Err(platform.ErrNotFound, "reveal.no_field", "the record has no such sealed field", "记录中没有此密封字段")

// Reveal is the plain value of a sealed field, and its receipt. It fails as
// [vault.Vault.Reveal] does, and with ErrNotFound when nothing is sealed there.
func (m *Market) Reveal(ctx context.Context, in Reveal) (vault.Plain, platform.ID, error) {
	if _, err := m.Writer.Actor(ctx); err != nil {
		return vault.Plain{}, "", err
	}
	if err := platform.Validate(in); err != nil {
		return vault.Plain{}, "", err
	}
	if _, err := platform.ParseID(string(in.Record.ID)); err != nil {
		return vault.Plain{}, "", platform.Wrong("record", err)
	}
	if !slices.Contains(sealedFields[in.Record.Kind], in.Field) { // nor is what somebody typed repeated
		return vault.Plain{}, "", errNoField
	}
	records, err := m.DB.Get(ctx, in.Record)
	if err != nil {
		return vault.Plain{}, "", err
	}
	for field, sealed := range sealedIn(records[0]) {
		if field == in.Field {
			at := platform.Place{Record: in.Record, Field: field}
			return m.Vault.Reveal(ctx, vault.Request{Place: at, Sealed: sealed, Purpose: in.Purpose, Reason: in.Reason})
		}
	}
	return vault.Plain{}, "", fmt.Errorf("%s of %s: %w", in.Field, in.Record, errNoField)
}

// sealedFields are the paths of the personal fields of each kind.
var sealedFields = func() map[string][]string {
	all := map[string][]string{}
	for _, k := range Kinds() {
		for _, f := range k.Fields {
			if f.Class != platform.Public && f.Class != platform.Internal {
				all[k.Name] = append(all[k.Name], f.Path)
			}
		}
	}
	return all
}()

// sealedIn are the sealed values of a document, by the path of their field.
func sealedIn(r platform.Record) iter.Seq2[string, platform.Sealed] {
	return func(yield func(string, platform.Sealed) bool) {
		for _, path := range sealedFields[r.Ref.Kind] {
			var at any
			_ = json.Unmarshal(r.Doc, &at) // what is no JSON has no fields
			for name := range strings.SplitSeq(path, ".") {
				within, _ := at.(map[string]any)
				at = within[name]
			}
			text, _ := at.(string)
			sealed, err := base64.StdEncoding.DecodeString(text)
			if err == nil && len(sealed) > 0 && !yield(path, sealed) {
				return
			}
		}
	}
}

// opened counts the sealed values of a restored store that open with the keys of
// today, and those of people who were erased since. It tells of any that does
// neither, and of one that opens although its subject was erased.
func (m *Market) opened(ctx context.Context, now platform.Getter, d *Drill, tell func(store.Finding)) error {
	for kind := range sealedFields {
		for q := (platform.Query{Kind: kind, Limit: 500}); ; {
			page, err := now.Scan(ctx, q)
			if err != nil {
				return err
			}
			for _, r := range page.Items {
				if err := m.opens(ctx, r, d, tell); err != nil {
					return err
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	return nil
}

func (m *Market) opens(ctx context.Context, r platform.Record, d *Drill, tell func(store.Finding)) error {
	for field, sealed := range sealedIn(r) {
		subject, err := m.Vault.Opens(ctx, platform.Place{Record: r.Ref, Field: field}, sealed)
		if err == nil {
			var gone bool
			if gone, err = m.Vault.Erased(ctx, subject); err == nil && gone {
				tell(store.Finding{Code: "vault", Ref: r.Ref, What: field + " opens, and its subject was erased"})
			}
		}
		switch {
		case err == nil:
			d.Opened++
		case errors.Is(err, vault.ErrShredded):
			d.Erased++
		case errors.Is(err, vault.ErrEnvelope):
			tell(store.Finding{Code: "vault", Ref: r.Ref, What: field + " does not open with the keys of today"})
		default:
			return err
		}
	}
	return nil
}
