// Package platform holds the words that all packages of a services marketplace
// share: exact [Money], an [ID] that tells where its record lives, the [Actor]
// behind every command, [Change] and [Event], and the loop [Update] that carries
// a command out. It imports no other package of the module.
//
// A command is three steps, always the same: load, decide, commit. Deciding
// takes values and returns values; one [Committer.Commit] then writes all of it,
// the event included, or nothing.
//
//	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Order, []platform.Change, error) {
//		o, err := s.store.Order(ctx, in.Order)      // load
//		...
//		next, err := o.Complete(in.Proof, s.w.Now()) // decide
//		...
//		return next, []platform.Change{platform.Put(next), platform.Happened("order.completed", next.Ref(), next.Facts())}, nil
//	})
//
// Start with [Writer] and [Update]; then read package order, whose commands are
// all of this form, and examples/quickstart, which runs one order from start to
// end.
//
// # Words
//
// A word has one meaning throughout the module.
//
//	place, secure, confirm   an order is asked for; its money is there; it will be carried out
//	start, deliver, accept   the work begins; is handed over; the customer agrees
//	complete, close          the sale is final and booked; every window is over
//	ask, attempt, capture    a payment is wanted; tried at an institution; received
//	hold, settle, void       money is set aside; the hold becomes a posting; it is freed
//	offer, assign            a member is asked to do the work; has agreed to
//	due, until               when something happens by itself; exclusive end
package platform
