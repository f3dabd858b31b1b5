package vault

import (
	"fmt"
	"log/slog"
)

// masked is all that a [Secret] shows of itself.
const masked = "[secret]"

// Secret holds a value that shows itself to nobody by accident: however it is
// printed, logged or wrapped into an error, a mask comes out. Into JSON it does
// not go at all, so that a command or document which holds one is refused instead
// of keeping a mask. The zero Secret holds the zero value.
type Secret[T any] struct{ plain func() T } // behind a func, where reflection does not see it

// Plain is a personal value in the clear.
type Plain = Secret[string]

// Conceal makes a secret of a value.
func Conceal[T any](v T) Secret[T] { return Secret[T]{func() T { return v }} }

// Reveal is the value itself.
func (s Secret[T]) Reveal() (v T) {
	if s.plain != nil {
		v = s.plain()
	}
	return v
}

// String is the mask.
func (s Secret[T]) String() string { return masked }

// GoString is the mask.
func (s Secret[T]) GoString() string { return masked }

// Format writes the mask, whatever the verb.
func (s Secret[T]) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue is the mask.
func (s Secret[T]) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalJSON fails with ErrInvalid, code vault.secret_json.
func (s Secret[T]) MarshalJSON() ([]byte, error) { return nil, errSecret }

// UnmarshalJSON fails as MarshalJSON does.
func (s *Secret[T]) UnmarshalJSON([]byte) error { return errSecret }

// MarshalText fails as MarshalJSON does.
func (s Secret[T]) MarshalText() ([]byte, error) { return nil, errSecret }
