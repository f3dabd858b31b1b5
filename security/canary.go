package security

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Canaries are plain personal values that a test plants, to look for them
// afterwards in all that came out: logs, documents, backups, files.
type Canaries []string

// In names the canaries that stand in a text, each with the form in which it does:
// as it is, as ASCII JSON writes it, in base64 at any offset, or in hex.
func (c Canaries) In(text []byte) (found []string) {
	lower := bytes.ToLower(text)
	for _, canary := range c {
		at := slices.IndexFunc(forms(canary), func(f form) bool {
			return bytes.Contains(text, f.text) || f.name == "hex" && bytes.Contains(lower, f.text)
		})
		if at >= 0 {
			found = append(found, canary+": "+forms(canary)[at].name)
		}
	}
	return found
}

type form struct {
	name string
	text []byte
}

func forms(canary string) []form {
	all := []form{
		{"plain", []byte(canary)},
		{"hex", []byte(hex.EncodeToString([]byte(canary)))},
		{"json", []byte(escaped(canary))},
	}
	// Three offsets give three texts; the characters at both ends depend on what
	// stands beside, and are left out.
	for offset := range 3 {
		from, to := (offset*8+5)/6, (offset+len(canary))*8/6
		for _, code := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := code.EncodeToString(append(make([]byte, offset), canary...))
			all = append(all, form{"base64", []byte(text[from:to])})
		}
	}
	return all
}

// escaped is a value as ASCII JSON writes it.
func escaped(canary string) string {
	var out strings.Builder
	for _, r := range canary {
		if r < 0x80 {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
