package platform

import "context"

// Leg is what a domain tells the books: an amount on an account, named by the
// role that it plays. Debits are positive and credits negative; the legs of
// one posting sum to zero in each currency.
type Leg struct {
	Role   string `json:"role" class:"internal"`            // escrow, earning, commission …
	Of     ID     `json:"of,omitempty" class:"internal"`    // the order (or contract) whose account it is; empty for an account of the party alone
	Party  ID     `json:"party,omitempty" class:"internal"` // merchant, staff member, institution
	Amount Money  `json:"amount" class:"internal"`
}

// Guard answers whether an actor may give a command, beside the rules of
// ownership that hold anyway. [Update] asks it before anything is loaded.
type Guard interface {
	// Allow returns nil, or an error that wraps ErrDenied with its reason.
	// action is the command, as in "order.cancel"; on is its record, or zero
	// when the command names none.
	Allow(ctx context.Context, actor Actor, action string, on Ref) error
}

// Place is where a personal value is kept: whose it is, in which record and
// field. A sealed value opens nowhere else.
type Place struct {
	Subject, Record Ref
	Field           string
}

// Sealer keeps personal values from being stored in the clear. Sealing is
// random, so it happens before [Update], once.
type Sealer interface {
	// Seal encrypts plain for its place. An empty value seals to nil.
	Seal(ctx context.Context, at Place, plain string) (Sealed, error)

	// Blind is a keyed digest by which equal values of one field can be found
	// and kept unique without being readable.
	Blind(ctx context.Context, field, plain string) (string, error)
}
