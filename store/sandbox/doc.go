// Package sandbox is a payment institution that moves no real money, for demos
// and tests. It keeps books of its own, forgets nothing, and fails as real ones
// do, by seed and by method token, in the caller's time.
//
// Begin with [New] and hand the result to payment.New among its gateways. The
// payer's method chooses what happens: see [OK] and the tokens after it; any
// other token is left to the [Faults]. [Sandbox.Force] does the same for what
// comes after a charge: refunds, captures, splits, payouts. What the institution
// and the payer's bank do by themselves are methods as well: [Sandbox.Object],
// [Sandbox.Decide], [Sandbox.Reverse], [Sandbox.RefundByHand]. Notices wait until they are delivered:
// hand the sandbox to platform.Run with [Options.Deliver], or take them with
// [Sandbox.Drain].
package sandbox
