package store

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Refusals of a column's value.
var (
	ErrColumn     = platform.Err(platform.ErrInvalid, "column.type", "a value that no column can hold", "列值类型无效")
	ErrColumnSize = platform.Err(platform.ErrInvalid, "column.too_long", "values too long to be indexed", "索引值过长")
)

// Each value begins with a byte for its type, null first, so that keys of
// several values compare as their values do.
const (
	keyNull = iota
	keyBool
	keyInt
	keyTime
	keyText
)

// Key is the values in an order-preserving form: keys compare bytewise as the
// values do one after the other. A zero time, an empty text and absent money
// are null, which comes first.
func Key(values ...any) (string, error) {
	b, err := AppendKey(make([]byte, 0, 192), values...)
	return string(b), err
}

// AppendKey is [Key] behind what is in b.
func AppendKey(b []byte, values ...any) ([]byte, error) {
	var err error
	for _, v := range values {
		if b, err = appendKey(b, v); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendKey(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, keyNull), nil
	case string:
		return appendText(b, v), nil
	case platform.ID:
		return appendText(b, string(v)), nil
	case platform.Ref:
		if v == (platform.Ref{}) {
			return append(b, keyNull), nil
		}
		return appendText(b, v.Kind, "/", string(v.ID)), nil
	case bool:
		if v {
			return append(b, keyBool, 1), nil
		}
		return append(b, keyBool, 0), nil
	case int:
		return appendInt(b, keyInt, int64(v)), nil
	case int64:
		return appendInt(b, keyInt, v), nil
	case time.Time:
		if v.IsZero() {
			return append(b, keyNull), nil
		}
		return appendInt(b, keyTime, v.UnixMicro()), nil
	case platform.Money:
		if v == (platform.Money{}) {
			return append(b, keyNull), nil
		}
		return appendInt(appendText(b, v.Currency().String()), keyInt, v.Minor()), nil
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return appendText(b, r.String()), nil
	}
	return nil, fmt.Errorf("%s: %w", reflect.TypeOf(v), ErrColumn)
}

func appendInt(b []byte, kind byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), uint64(v)^1<<63)
}

// appendText ends the text with two zero bytes, and doubles a zero inside as 0
// and 255, so that a text comes before every longer one that begins with it.
func appendText(b []byte, parts ...string) []byte {
	b = append(b, keyText)
	start := len(b)
	for _, s := range parts {
		if strings.IndexByte(s, 0) >= 0 {
			s = strings.ReplaceAll(s, "\x00", "\x00\xff")
		}
		b = append(b, s...)
	}
	if len(b) == start {
		b[start-1] = keyNull
		return b
	}
	return append(b, 0, 0)
}

// null tells whether a column value is null.
func null(v any) bool {
	b, err := appendKey(nil, v)
	return err == nil && b[0] == keyNull
}
