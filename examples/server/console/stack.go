package console

import "github.com/liangding/platform"

// stack is a bar of amounts side by side, drawn to scale, a thousand wide.
type stack struct {
	Of    string // what it is about, as in the words for it and its parts
	Parts []slice
	Limit int64 // where it is marked; 0 is nowhere
}

// slice is an amount in a bar, and where it lies there.
type slice struct {
	Name      string
	Amount    platform.Money
	At, Width int64
}

// stackOf draws amounts in a bar whose whole length is so many minor units. What
// is below zero has no width.
func stackOf(of string, whole int64, parts ...slice) stack {
	var at int64
	for i, p := range parts {
		parts[i].At, parts[i].Width = at, thousandths(p.Amount.Minor(), whole)
		at += parts[i].Width
	}
	return stack{Of: of, Parts: parts}
}

// thousandths are for a drawing alone, never for an amount.
func thousandths(of, whole int64) int64 {
	if of <= 0 || whole <= 0 {
		return 0
	}
	return int64(float64(of) / float64(whole) * 1000)
}
