package store

import (
	"crypto/sha256"
	"math/bits"
	"slices"
)

// Head is a tree of the audit log in two figures: its leaves, and the root that
// they come to (RFC 6962 §2.1), which is what a checkpoint of the log signs.
type Head struct {
	Size int64  `json:"size"`
	Root []byte `json:"root,omitempty"` // left out when the hashes are those of no such tree
}

// heading follows a tree along its leaves and its stored hashes: each leaf's
// is followed by those of the subtrees that it completes. It keeps the roots of
// the perfect subtrees, and nothing else.
type heading struct {
	leaves int64 // as they are named
	hashed int64 // of which there is a hash
	number int64 // hashes so far
	inner  int   // hashes to come before the next leaf's
	top    [][]byte
	wrong  bool
}

// add takes the next stored hash, and tells whether it is that of what is below
// it. It goes on from what is stored, so that one fault is told where it is.
func (h *heading) add(hash []byte) bool {
	h.number++
	fits := len(hash) == sha256.Size
	if h.inner == 0 {
		h.inner = bits.TrailingZeros64(^uint64(h.hashed))
		h.hashed++
	} else {
		last := len(h.top) - 1
		fits = fits && node(h.top[last-1], h.top[last]) == [sha256.Size]byte(hash)
		h.top = h.top[:last-1]
		h.inner--
	}
	h.top = append(h.top, hash)
	h.wrong = h.wrong || !fits
	return fits
}

// node is the hash of two subtrees.
func node(left, right []byte) [sha256.Size]byte {
	return sha256.Sum256(append(append([]byte{1}, left...), right...))
}

// head is what it all comes to.
func (h *heading) head() Head {
	if h.wrong || h.inner > 0 || h.leaves != h.hashed {
		return Head{Size: h.leaves}
	}
	root := sha256.Sum256(nil)
	for i, top := range slices.Backward(h.top) {
		if i == len(h.top)-1 {
			root = [sha256.Size]byte(top)
		} else {
			root = node(top, root[:])
		}
	}
	return Head{Size: h.leaves, Root: root[:]}
}
