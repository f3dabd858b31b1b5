package vault_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store/memory"
)

// anybody is a guard that lets everybody see everything.
type anybody struct{}

func (anybody) Permit(context.Context, platform.Act) ([]platform.Change, error) { return nil, nil }

// A value is sealed for its place, revealed for a purpose with a receipt, and gone
// when its subject is forgotten.
func Example() {
	db := memory.New(vault.Kinds(), nil)
	w := platform.Writer{Store: db, Guard: anybody{}}
	v, err := vault.Open(context.Background(), w, db, vault.Keys{Store: memory.New(vault.KeyKinds(), nil), KEK: vault.InMemory()}, nil)
	if err != nil {
		panic(err)
	}
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr_1", Kind: platform.Operator})
	customer := platform.Ref{Kind: "customer", ID: "cus_1"}
	note := platform.Place{Subject: customer, Record: platform.Ref{Kind: "order", ID: "ord_1"}, Field: "note"}

	sealed, err := v.Seal(ctx, note, "ring twice")
	fmt.Println("sealed:  ", len(sealed), "bytes", err)
	ask := vault.Request{Place: note, Sealed: sealed, Purpose: "fulfilment", Reason: "unreachable"}
	plain, receipt, err := v.Reveal(ctx, ask)
	fmt.Println("printed: ", plain, receipt != "", err)
	fmt.Println("revealed:", plain.Reveal())

	_, err = v.Shred(ctx, vault.Shred{Of: customer, Basis: "consent_withdrawn"})
	fmt.Println("erased:  ", err)
	_, _, err = v.Reveal(ctx, ask)
	fmt.Println("revealed:", errors.Is(err, vault.ErrShredded))

	// Output:
	// sealed:   56 bytes <nil>
	// printed:  [secret] true <nil>
	// revealed: ring twice
	// erased:   <nil>
	// revealed: true
}
