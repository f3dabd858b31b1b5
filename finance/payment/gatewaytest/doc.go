// Package gatewaytest puts a payment gateway to the rules that the payment
// service relies on: money moves once for a key, what is not known is never
// called a failure, nobody but the institution is heard, and its statement
// explains its balance.
//
// An adapter's own test calls [Conformance] once, with an [Institution]: the
// gateway, and the hands that the suite needs on the other side. For a real
// institution these are those of a fake that signs, refuses and forgets as it
// does. Each rule is a subtest named by its number, and has an institution of
// its own. What a gateway does not offer is logged as a gap.
//
//	func TestConformance(t *testing.T) {
//		gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution {
//			bank := newFake(t)
//			return gatewaytest.Institution{Gateway: bank.gateway(), Method: "native", Settle: bank.settle}
//		})
//	}
//
// The package needs nothing but the standard library and the module itself.
package gatewaytest
