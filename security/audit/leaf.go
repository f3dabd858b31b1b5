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

// Commitment is the key under which an event's data is committed to. A log
// whose data are sealed derives it from the subject's own key, so that data once
// shredded can neither be read nor guessed; nil is a public constant, for logs
// without personal data.
type Commitment func(platform.Event) []byte

var publicKey = []byte("platform audit leaf v1")

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
	key    Commitment
	public hash.Hash // the HMAC where there is no key
	text   []byte
}

func newHasher(key Commitment) *hasher {
	return &hasher{key: key, public: hmac.New(sha256.New, publicKey)}
}

// leaf is the event's hash in the tree: SHA-256 of a zero byte and the
// canonical form (RFC 6962 §2.1). It fails with ErrLeaf.
func (h *hasher) leaf(e platform.Event) (tlog.Hash, error) {
	data, err := canonical(h.text[:0], e.Data)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	h.text = data
	mac := h.public
	if h.key != nil {
		mac = hmac.New(sha256.New, h.key(e))
	}
	mac.Reset()
	mac.Write(data)
	text, err := json.Marshal(leaf{
		ID: e.ID, Type: e.Type, Subject: e.Subject, Version: e.Version, Actor: e.Actor,
		At: e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), Reason: e.Reason, Request: e.Request, Data: mac.Sum(nil),
	})
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("event %s: %w", e.ID, ErrLeaf)
	}
	return tlog.RecordHash(text), nil
}
