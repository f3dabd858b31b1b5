package market

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/order"
)

var (
	errForm    = platform.Err(platform.ErrInvalid, "takeover.form", "not what this field holds", "字段内容格式错误")
	errUnknown = platform.Err(platform.ErrInvalid, "takeover.unknown", "no such field", "没有此字段")
)

// ReadTakeover reads a takeover from JSON, strictly: each row by itself, so that
// FieldErrors name all rows that cannot be read, and the field. It fails with
// ErrInvalid, code takeover.form, for what is no JSON object at all.
func ReadTakeover(in io.Reader) (Takeover, error) {
	var file struct {
		Source   string            `json:"source"`
		Reason   string            `json:"reason"`
		At       time.Time         `json:"at"`
		Accounts []json.RawMessage `json:"accounts"`
		Orders   []json.RawMessage `json:"orders"`
		Opening  []platform.Money  `json:"opening"`
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return Takeover{}, fmt.Errorf("read takeover: %w", err)
	}
	if err := strict(text, &file, ""); err != nil {
		return Takeover{}, err
	}
	t := Takeover{Source: file.Source, Reason: file.Reason, At: file.At, Opening: file.Opening}
	var wrong, more platform.FieldErrors
	t.Accounts, wrong = rows[finance.Brought](file.Accounts, "accounts")
	t.Orders, more = rows[order.TakeOver](file.Orders, "orders")
	if wrong = append(wrong, more...); len(wrong) > 0 {
		return Takeover{}, wrong
	}
	return t, nil
}

// rows reads a list, each item by itself.
func rows[T any](raw []json.RawMessage, list string) (all []T, wrong platform.FieldErrors) {
	all = make([]T, len(raw))
	for i := range raw {
		if bad, ok := errors.AsType[platform.FieldErrors](strict(raw[i], &all[i], at(list, i))); ok {
			wrong = append(wrong, bad...)
		}
	}
	return all, wrong
}

// strict decodes one value, without unknown members, and says at which path it
// is wrong.
func strict(text []byte, into any, path string) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errForm
		}
	}
	if err == nil {
		return nil
	}
	field, refusal := place(text, err)
	return platform.Wrong(strings.TrimPrefix(path+field, "."), refusal)
}

// place is where in a text a decoder met its error, as far as that can be told,
// and the refusal. Values are not quoted: they may be anybody's.
func place(text []byte, err error) (path string, refusal error) {
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && typed.Field != "" {
		return "." + typed.Field, errForm
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return "." + strings.Trim(name, `"`), errUnknown
	}
	refusal = errForm
	if errors.Is(err, platform.ErrInvalid) {
		refusal = err // money has codes of its own
	}
	var whole any
	if json.Unmarshal(text, &whole) == nil {
		path, _ = find(whole, func(v any) bool { return culprit(v, err) })
	}
	return path, refusal
}

// culprit tells whether a value is what the decoder refused: an amount or a
// moment that is none.
func culprit(v any, err error) bool {
	switch v := v.(type) {
	case string:
		moment, ok := errors.AsType[*time.ParseError](err)
		return ok && strings.Trim(moment.Value, `"`) == v
	case map[string]any:
		if _, amount := v["currency"]; !amount || !errors.Is(err, platform.ErrInvalid) {
			return false
		}
		text, failed := json.Marshal(v)
		return failed == nil && json.Unmarshal(text, new(platform.Money)) != nil
	}
	return false
}

// find is the path of the first value in a document that fits.
func find(v any, fits func(any) bool) (path string, found bool) {
	if fits(v) {
		return "", true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if path, found := find(v[name], fits); found {
				return "." + name + path, true
			}
		}
	case []any:
		for i, item := range v {
			if path, found := find(item, fits); found {
				return at("", i) + path, true
			}
		}
	}
	return "", false
}
