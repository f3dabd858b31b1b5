package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"

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

// hashOf is the leaf's hash in the tree: SHA-256 of a zero byte and the
// canonical form (RFC 6962 §2.1).
func hashOf(e platform.Event, key Commitment) (tlog.Hash, error) {
	data, err := canonical(e.Data)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	secret := publicKey
	if key != nil {
		secret = key(e)
	}
	mac := hmac.New(sha256.New, secret)
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

// canonical is the JSON with members sorted and without spaces, so that an
// engine may keep it in a form of its own. Numbers keep their digits.
func canonical(data json.RawMessage) ([]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		return nil, ErrLeaf
	}
	return json.Marshal(v)
}
