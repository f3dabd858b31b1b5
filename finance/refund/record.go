package refund

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

const planKind = "refund.plan"

// Stored is the plan of a refund as it was approved. A refund has one at most:
// its id is the refund's under the prefix rpl.
type Stored struct {
	platform.Head
	Order  platform.ID     `json:"order" class:"internal"`
	Refund platform.ID     `json:"refund" class:"internal"`
	Hash   string          `json:"hash" class:"internal"`
	Plan   json.RawMessage `json:"plan" class:"internal"` // a [Plan]
	At     time.Time       `json:"at" class:"internal"`
}

// Ref names the stored plan.
func (s Stored) Ref() platform.Ref { return platform.Ref{Kind: planKind, ID: s.ID} }

// For is the plan as it is stored for a refund.
func (p Plan) For(refund platform.ID, at time.Time) (Stored, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return Stored{}, fmt.Errorf("store the plan of %s: %w", refund, err)
	}
	return Stored{Head: platform.Head{ID: refund.As("rpl")}, Order: p.Order, Refund: refund, Hash: p.Hash, Plan: text, At: at}, nil
}

// Kinds are the records of plans, as an engine must know them.
func Kinds() []platform.Kind {
	return []platform.Kind{platform.Shape[Stored]{
		Name: planKind, Prefix: "rpl", Root: "order", RootOf: func(s Stored) platform.ID { return s.Order },
	}.Kind()}
}
