package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Refusals.
var (
	ErrFork     = platform.Err(platform.ErrUnavailable, "audit.fork", "the log is not the one that was signed before", "日志与先前签署的不一致")
	ErrUnlogged = platform.Err(platform.ErrNotFound, "audit.unlogged", "the event is not in the log yet", "事件尚未进入日志")
	ErrProof    = platform.Err(platform.ErrInvalid, "audit.proof", "the evidence does not verify", "证据未通过验证")
	ErrNote     = platform.Err(platform.ErrInvalid, "audit.checkpoint", "a malformed checkpoint, or one signed by another key", "检查点格式错误或签名不符")
	ErrLeaf     = platform.Err(platform.ErrInvalid, "audit.leaf", "an event that cannot be a leaf", "事件无法成为叶节点")
)

// leafKey is what data are committed under. It is public: personal values are
// in data as envelopes only, which tell nothing once their key is destroyed, and
// a key that can be destroyed would take the proof with it.
var leafKey = []byte("platform audit leaf v1")

// leaf is the canonical form of an event: its members in this order, its data
// replaced by an HMAC-SHA-256 over their canonical JSON. The form is frozen.
type leaf struct {
	ID      platform.ID    `json:"id"`
	Type    string         `json:"type"`
	Subject platform.Ref   `json:"subject"`
	Version int64          `json:"version"`
	Actor   platform.Actor `json:"actor"`
	At      string         `json:"at"`
	Reason  string         `json:"reason"`
	Request string         `json:"request"`
	Data    []byte         `json:"data"`
}

// hasher makes leaves, one after the other in the same memory. It is for one
// goroutine.
type hasher struct {
	mac  hash.Hash
	text []byte
}

func newHasher() *hasher { return &hasher{mac: hmac.New(sha256.New, leafKey)} }

// leaf is the event's hash in the tree: SHA-256 of a zero byte and the
// canonical form (RFC 6962 §2.1). It fails with ErrLeaf.
func (h *hasher) leaf(e platform.Event) (tlog.Hash, error) {
	data, err := canonical(h.text[:0], e.Data)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	h.text = data
	h.mac.Reset()
	h.mac.Write(data)
	text, err := json.Marshal(leaf{
		ID: e.ID, Type: e.Type, Subject: e.Subject, Version: e.Version, Actor: e.Actor,
		At: e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), Reason: e.Reason, Request: e.Request, Data: h.mac.Sum(nil),
	})
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("event %s: %w", e.ID, ErrLeaf)
	}
	return tlog.RecordHash(text), nil
}
