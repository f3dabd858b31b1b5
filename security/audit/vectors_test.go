package audit_test

import (
	"encoding/json"
	"math/bits"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform/security/audit"
)

// vector is a proof of a foreign implementation, good or bad.
type vector struct {
	File, Desc string
	WantErr    bool
	Proof      [][]byte

	Size1, Size2 int64 // of a consistency proof
	Root1, Root2 []byte

	LeafIdx, TreeSize uint64 // of an inclusion proof
	Root, LeafHash    []byte

	Start, End uint64 // of a subtree, in a tree of Size
	Size       uint64
}

// TestRFC6962Vectors: what receipts and checkpoints rest on accepts all good and
// refuses all bad proofs of a foreign implementation. A subtree's leaves are
// proved as those of a tree; its place in a larger tree is proved by the same
// hashes, which [within] puts together.
func TestRFC6962Vectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../shared/data/vectors/rfc6962_proofs.json")
	if err != nil {
		t.Skip("no vectors beside the module: ", err)
	}
	var vectors struct{ Cases []vector }
	require.NoError(t, json.Unmarshal(raw, &vectors))
	require.Len(t, vectors.Cases, 518)
	good := 0
	for _, v := range vectors.Cases {
		assert.Equal(t, v.WantErr, !v.holds(), "%s: %s", v.File, v.Desc)
		if !v.WantErr {
			good++
		}
	}
	assert.Equal(t, 36, good)
}

func (v vector) holds() bool {
	proof := make([]tlog.Hash, len(v.Proof))
	for i, p := range v.Proof {
		if copy(proof[i][:], p) != len(p) || len(p) != tlog.HashSize {
			return false
		}
	}
	switch kind, _, _ := strings.Cut(v.File, "/"); kind {
	case "consistency":
		return extends(v.Size1, v.Root1, v.Size2, v.Root2, proof)
	case "inclusion":
		return included(v.LeafIdx, v.LeafHash, v.TreeSize, v.Root, proof)
	case "subtreeinclusion":
		return subtree(v.Start, v.End) && v.LeafIdx >= v.Start && included(v.LeafIdx-v.Start, v.LeafHash, v.End-v.Start, v.Root, proof)
	case "subtreeconsistency":
		if v.Start == 0 && v.End > 0 {
			return extends(int64(v.End), v.Root1, int64(v.Size), v.Root2, proof)
		}
		return within(v, proof)
	}
	return false
}

func extends(size1 int64, root1 []byte, size2 int64, root2 []byte, proof tlog.TreeProof) bool {
	var old, now tlog.Hash // one good vector has equal roots of another length
	copy(old[:], root1)
	copy(now[:], root2)
	return audit.Head{Size: size2, Root: now}.Extends(audit.Head{Size: size1, Root: old}, proof) == nil
}

func included(at uint64, leaf []byte, size uint64, root []byte, proof tlog.RecordProof) bool {
	if len(leaf) != tlog.HashSize || len(root) != tlog.HashSize || int64(at) < 0 || int64(size) < 0 {
		return false
	}
	return tlog.CheckRecord(proof, int64(size), tlog.Hash(root), int64(at), tlog.Hash(leaf)) == nil
}

// subtree tells whether the leaves from start to end are those of a subtree: it
// begins at a multiple of the power of two that holds them.
func subtree(start, end uint64) bool {
	return start < end && bits.TrailingZeros64(start) >= bits.Len64(end-start-1)
}

// within checks that a subtree is one of a tree (draft-ietf-plants-merkle-tree-certs,
// section 4.4.3).
func within(v vector, proof tlog.TreeProof) bool {
	if v.Start == v.End && len(proof) == 0 && v.End <= v.Size { // of nothing
		none, _ := tlog.TreeHash(0, nil)
		return string(v.Root1) == string(none[:])
	}
	if !subtree(v.Start, v.End) || v.End > v.Size || len(v.Root1) != tlog.HashSize || len(v.Root2) != tlog.HashSize {
		return false
	}
	first, last, end := v.Start, v.End-1, v.Size-1
	shift := func() { first, last, end = first>>1, last>>1, end>>1 }
	for first != last && (last == end || last&1 == 1) {
		shift()
	}
	small := tlog.Hash(v.Root1)
	if first != last {
		if len(proof) == 0 {
			return false
		}
		small, proof = proof[0], proof[1:]
	}
	large := small
	for _, h := range proof {
		if end == 0 {
			return false
		}
		if last&1 == 1 || last == end {
			if first < last {
				small = tlog.NodeHash(h, small)
			}
			large = tlog.NodeHash(h, large)
			for last&1 == 0 && last != 0 {
				shift()
			}
		} else {
			large = tlog.NodeHash(large, h)
		}
		shift()
	}
	return end == 0 && small == tlog.Hash(v.Root1) && large == tlog.Hash(v.Root2)
}
