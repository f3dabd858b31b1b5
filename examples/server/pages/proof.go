package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// pictured are the proofs that are files; the others are typed.
var pictured = []string{"photo", "signature", "file"}

// proofKinds are those of a form for proofs, told by its hidden field.
func proofKinds(in url.Values) []string { return strings.Fields(in.Get("proofs")) }

// proving is the form that hands work over with its proofs. It tells when it was
// rendered, so that a repeat is the same command.
func proving(ctx context.Context, at, verb string, t order.Terms, now time.Time) *form {
	return formFor(ctx, at, verb).with("proofs", strings.Join(t.Proof, " ")).with("acceptance", t.Acceptance).with("taken_at", now.UTC().Format(time.RFC3339))
}

// Proofs are the kinds that the form asks for.
func (f *form) Proofs() []string { return strings.Fields(f.Hidden["proofs"]) }

// Pictured tells whether a proof is a file.
func (f *form) Pictured(kind string) bool { return slices.Contains(pictured, kind) }

// taken are the proofs of a form: the hash of each file, and of each text, which are
// not kept. What is missing the order says.
func taken(in url.Values) ([]order.Taken, error) {
	at, err := time.Parse(time.RFC3339, in.Get("taken_at"))
	if err != nil {
		return nil, errForm
	}
	var all []order.Taken
	for _, kind := range proofKinds(in) {
		proof := order.Taken{Kind: kind, SHA256: in.Get(kind + ".sha256"), TakenAt: at}
		proof.Bytes, _ = strconv.ParseInt(in.Get(kind+".bytes"), 10, 64) // none is refused as 0
		if text := strings.TrimSpace(in.Get(kind)); !slices.Contains(pictured, kind) && text != "" {
			sum := sha256.Sum256([]byte(text))
			proof.SHA256, proof.Bytes = hex.EncodeToString(sum[:]), int64(len(text))
		}
		if proof.SHA256 != "" {
			all = append(all, proof)
		}
	}
	return all, nil
}

// deliver hands the merchant's own work over.
func (p pages) deliver(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	return done(id, "deliver", p.handOver(ctx, id, in))
}

// handOver hands the work over, or completes the order where the proofs do.
func (p pages) handOver(ctx context.Context, id platform.ID, in url.Values) error {
	proofs, err := taken(in)
	if err != nil {
		return err
	}
	if in.Get("acceptance") == "proof" {
		_, err = p.m.Orders.Complete(ctx, order.Complete{Order: id, Proofs: proofs})
	} else {
		_, err = p.m.Orders.Deliver(ctx, order.Deliver{Order: id, Proofs: proofs})
	}
	return err
}
