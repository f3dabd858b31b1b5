// Package stripe is Stripe as a payment gateway: charges and authorisations on
// the platform's own account, and with Connect the shares of merchants by
// transfers, and payouts from their accounts, which they open by [Gateway.Apply]
// and [Gateway.Link].
//
// Begin with [New] and hand the result to payment.New among its gateways. The
// method of a charge is the id of a payment method that Stripe's own form made.
//
// Our key is Stripe's idempotency key and a word of metadata, by which a look-up
// finds what became of a call. Stripe repeats its first answer under a key for a
// day at least, also a broken one, so what is not known is looked for and never
// sent again under another key. A look-up reads what was made since the key was:
// it costs more the longer ago that is.
package stripe
