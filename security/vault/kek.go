package vault

import (
	"context"
	"fmt"
	"time"
)

// KEK keeps the keys of the epochs, by which data keys are wrapped: [File], or a
// key management service of the host's. It may be used by several goroutines and
// processes at once. Whatever it fails with, the vault answers ErrUnavailable.
type KEK interface {
	// Wrap encrypts a data key under the key of an epoch, bound to aad. The key
	// of an epoch that was not used before is made.
	Wrap(ctx context.Context, epoch uint32, dek, aad []byte) ([]byte, error)

	// Unwrap is the data key again.
	Unwrap(ctx context.Context, epoch uint32, wrapped, aad []byte) ([]byte, error)

	// Destroy makes the key of an epoch unusable for ever, and a second time does
	// nothing.
	Destroy(ctx context.Context, epoch uint32) error
}

// epochOf is the month of a moment, counted from the year 0.
func epochOf(at time.Time) uint32 {
	at = at.UTC()
	return uint32(at.Year()*12) + uint32(at.Month()) - 1
}

// ends is when the epoch is over.
func ends(epoch uint32) time.Time {
	return time.Date(int(epoch/12), time.Month(epoch%12)+2, 1, 0, 0, 0, 0, time.UTC)
}

// column is an epoch as it is indexed.
func column(epoch uint32) string { return fmt.Sprintf("%06d", epoch) }
