package security

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// The views of a sealed value, from the whole to nothing. A policy names the one
// that a role has of a field.
const (
	Full    = "full"
	Tail4   = "tail4"   // *******5678
	Surname = "surname" // 王**
	Hash    = "hash"    // equal for equal values under one key
	None    = "none"
)

// Views are all views, the widest first.
func Views() []string { return []string{Full, Tail4, Surname, Hash, None} }

// Mask is what a view leaves of a plain value. Of less than eight characters
// tail4 shows none; a hash needs a key. What is no view shows nothing.
func Mask(view, plain string, key []byte) string {
	text := []rune(plain)
	switch {
	case plain == "":
		return ""
	case view == Full:
		return plain
	case view == Tail4 && len(text) < 8:
		return strings.Repeat("*", len(text))
	case view == Tail4:
		return strings.Repeat("*", len(text)-4) + string(text[len(text)-4:])
	case view == Surname && len(text) > 1:
		return string(text[:1]) + strings.Repeat("*", len(text)-1)
	case view == Surname:
		return "*"
	case view == Hash && len(key) > 0:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(plain))
		return hex.EncodeToString(mac.Sum(nil))
	}
	return ""
}
