package audit

import (
	"bytes"
	"encoding/json"
	"slices"
)

// canonical appends the JSON with members sorted and without spaces, so that an
// engine may keep it in a form of its own. Numbers keep their digits, texts are
// written as encoding/json writes them, and of members with one name all stay:
// a second one beside the true one is an alteration like any other. The form is
// frozen.
//
// It fails with ErrLeaf unless data is one JSON value, or nothing.
func canonical(dst, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return dst, nil
	}
	if !json.Valid(data) {
		return nil, ErrLeaf
	}
	dst, _ = value(dst, data)
	return dst, nil
}

// value appends the value that in begins with, and returns what follows it. It
// and those below rely on in being valid.
func value(dst, in []byte) (out, rest []byte) {
	in = spaceless(in)
	switch in[0] {
	case '{':
		return object(dst, in[1:])
	case '[':
		return array(dst, in[1:])
	case '"':
		return text(dst, in)
	}
	n := bytes.IndexAny(in, ",]} \t\r\n")
	if n < 0 {
		n = len(in)
	}
	return append(dst, in[:n]...), in[n:]
}

func array(dst, in []byte) (out, rest []byte) {
	dst = append(dst, '[')
	for in = spaceless(in); in[0] != ']'; in = spaceless(in) {
		if in[0] == ',' {
			dst, in = append(dst, ','), in[1:]
		}
		dst, in = value(dst, in)
	}
	return append(dst, ']'), in[1:]
}

// member is a member of an object by its name, and where it lies in the output.
type member struct {
	name     []byte
	from, to int
}

func object(dst, in []byte) (out, rest []byte) {
	dst = append(dst, '{')
	var room [8]member
	members := room[:0]
	for in = spaceless(in); in[0] != '}'; in = spaceless(in) {
		if in[0] == ',' {
			dst, in = append(dst, ','), in[1:]
		}
		m := member{from: len(dst)}
		dst, in = text(dst, spaceless(in))
		m.name = unquoted(dst[m.from:])
		dst, in = append(dst, ':'), spaceless(in)[1:]
		dst, in = value(dst, in)
		m.to = len(dst)
		members = append(members, m)
	}
	return append(sorted(dst, members), '}'), in[1:]
}

// sorted brings the members, which end the output, in the order of their names.
func sorted(dst []byte, members []member) []byte {
	order := func(a, b member) int { return bytes.Compare(a.name, b.name) }
	if slices.IsSortedFunc(members, order) {
		return dst
	}
	start := members[0].from
	was := bytes.Clone(dst[start:])
	slices.SortStableFunc(members, order)
	dst = dst[:start]
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, was[m.from-start:m.to-start]...)
	}
	return dst
}

// text appends the text that in begins with. Only what cannot be written in
// another way is copied as it is.
func text(dst, in []byte) (out, rest []byte) {
	n, plain := 1, true
	for ; in[n] != '"'; n++ {
		switch c := in[n]; {
		case c == '\\':
			n, plain = n+1, false
		case c == '<', c == '>', c == '&', c >= 0x80:
			plain = false
		}
	}
	n++
	if plain {
		return append(dst, in[:n]...), in[n:]
	}
	var s string
	_ = json.Unmarshal(in[:n], &s) // it is valid
	quoted, _ := json.Marshal(s)   // a text always can
	return append(dst, quoted...), in[n:]
}

// unquoted is a text as it is compared.
func unquoted(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is valid
	return []byte(s)
}

func spaceless(in []byte) []byte {
	for len(in) > 0 && (in[0] == ' ' || in[0] == '\t' || in[0] == '\r' || in[0] == '\n') {
		in = in[1:]
	}
	return in
}
