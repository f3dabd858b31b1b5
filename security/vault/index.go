package vault

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/liangding/platform"
)

// Form says what is written differently and means the same.
type Form uint8

// The forms of an indexed value.
const (
	Text  Form = iota // NFKC, without space around
	Email             // besides, whatever its case
	Phone             // digits with country code: +86 138 1234 5678, 0086 13812345678
)

// Index says how the blind index of a field is made.
type Index struct {
	Form    Form
	Country string // of a phone number without one: "86"; if empty, such a number is refused
	Short   bool   // four bytes, so that a hit is only likely; for searching, never for uniqueness
}

// house is whose key the vault's own is.
var house = platform.Ref{Kind: "vault", ID: "house"}

// begin reads the vault's own key, or makes it.
func (v *Vault) begin(ctx context.Context) error {
	if err := v.gird(ctx); err != nil {
		return err
	}
	id := keyOf(house)
	k, err := v.known(ctx, id)
	for k.Subject == (platform.Ref{}) && err == nil {
		if err = v.reserve(ctx, house, id); err == nil {
			k, err = v.known(ctx, id)
		}
	}
	if err == nil {
		v.house, err = v.unwrap(ctx, k, 0)
	}
	if err == nil {
		v.digests, v.blinds = v.cut("digest"), v.cut("blind")
	}
	return err
}

// cut is a key of its own for each use of the vault's.
func (v *Vault) cut(use string) []byte {
	k, err := hkdf.Key(sha256.New, v.house, nil, "platform vault "+use, sha256.Size)
	if err != nil {
		panic(err) // the length is in range
	}
	return k
}

func mac(key []byte, parts ...string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(bound(parts...))
	return m.Sum(nil)
}

// Digest is the keyed digest of a command, for [platform.Writer].
func (v *Vault) Digest(command []byte) []byte {
	return mac(v.digests, string(command))
}

// Blind implements [platform.Sealer]: HMAC-SHA-256 of the value in its form,
// under a key of the field. It tells that two values are equal, and no more.
func (v *Vault) Blind(_ context.Context, field, plain string) (string, error) {
	index := v.o.Index[field]
	text, err := index.normal(plain)
	if err != nil {
		return "", fmt.Errorf("index of %s: %w", field, err)
	}
	sum := mac(v.blinds, v.w.Tenant, field, text)
	if index.Short {
		sum = sum[:4]
	}
	return hex.EncodeToString(sum), nil
}

// normal is the value in its form.
func (x Index) normal(plain string) (string, error) {
	text := strings.TrimSpace(norm.NFKC.String(plain))
	switch x.Form {
	case Email:
		return norm.NFKC.String(strings.ToLower(text)), nil
	case Phone:
		return x.phone(text)
	}
	return text, nil
}

// phone is a number as it is dialled from abroad, without what makes it readable.
func (x Index) phone(text string) (string, error) {
	var digits strings.Builder
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case !strings.ContainsRune(" -./()", r) && (r != '+' || i > 0):
			return "", errPhone
		}
	}
	number, abroad := digits.String(), strings.HasPrefix(text, "+")
	if rest, ok := strings.CutPrefix(number, "00"); ok && !abroad {
		number, abroad = rest, true
	}
	if !abroad {
		number = x.Country + strings.TrimPrefix(number, "0")
	}
	if !abroad && x.Country == "" || len(number) < 7 || len(number) > 15 {
		return "", errPhone
	}
	return number, nil
}
