package store

import (
	"context"
	"iter"
)

// VerifyWithin is Verify with room for so many things in its memory.
func (k *Kinds) VerifyWithin(ctx context.Context, from Snapshot, memory int) iter.Seq2[Finding, error] {
	return k.verify(ctx, from, memory)
}
