package security

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Canaries are plain personal values that a test plants, to look for them
// afterwards in all that came out: logs, documents, backups, files.
type Canaries []string

// In names the canaries that stand in a text, each with the form in which it does:
// as it is, as JSON and HTML write it, in base64 at any offset, or in hex.
func (c Canaries) In(text []byte) (found []string) {
	lower := bytes.ToLower(text)
	for _, canary := range c {
		for form, needle := range forms(canary) {
			if bytes.Contains(text, needle) || form == "hex" && bytes.Contains(lower, needle) {
				found = append(found, fmt.Sprintf("%s: %s", canary, form))
			}
		}
	}
	return found
}

func forms(canary string) map[string][]byte {
	all := map[string][]byte{
		"plain": []byte(canary),
		"hex":   []byte(hex.EncodeToString([]byte(canary))),
		"json":  []byte(escaped(canary)),
	}
	// Three offsets give three texts; the characters at both ends depend on what
	// stands beside, and are left out.
	for offset := range 3 {
		for name, code := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := code.EncodeToString(append(make([]byte, offset), canary...))
			from := (offset*8 + 5) / 6
			to := (offset + len(canary)) * 8 / 6
			all[fmt.Sprint(name, "+", offset)] = []byte(text[from:to])
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
