// Package dispute settles disagreements over the money of an order (交易糾紛,
// clause 6.3.3): in time, with both sides heard, and with an outcome that is carried
// out once.
//
// Whoever disputes has the disputed amount held on the order, and no more: it is
// neither paid out nor given back otherwise, and the order is not accepted, cancelled
// or closed meanwhile. Then the sides speak in turn. Each [Turn] has its deadline,
// and silence has a price: a silent merchant grants the claim, a customer who is
// silent twice leaves it to the file. They may agree on an [Offer]; what they do not
// settle in three rounds or six days an arbiter decides, who took no part in it and
// has no tie to a party, and above a limit two of them. A decision can be appealed
// once, before another arbiter.
//
// A decision is a list of [Leg]. Refund and release together are what was held. The
// refund is one of the order's own, under an id made of the dispute's, and is tried
// until the customer has it; it is never decided again. What the payer's bank returns
// meanwhile is not returned a second time: while it decides, the dispute pauses.
//
//	open, hold → turns → settle, concede, silence or arbiter → appeal → execute → close
//
// A chargeback reads as a dispute, too: [Service.Dispute] and [Service.Disputes] show
// it in the states platform_turn and bank_turn. Its money and its commands are those
// of package payment.
//
// What cannot happen is not in this table; each row names who may take it.
//
//	open     new → merchant_turn; customer
//	open     new → customer_turn; merchant
//	file     merchant_turn customer_turn stays; customer merchant
//	answer   merchant_turn → customer_turn; merchant
//	answer   customer_turn → merchant_turn; customer
//	concede  merchant_turn → decided; merchant
//	concede  customer_turn → decided; customer
//	grant    merchant_turn → decided; system
//	pass     customer_turn → merchant_turn; system
//	settle   merchant_turn → settled; merchant
//	settle   customer_turn → settled; customer
//	escalate merchant_turn customer_turn → arbitration; customer merchant system
//	propose  arbitration appealed stays; operator
//	decide   arbitration appealed → decided; operator
//	appeal   decided → appealed; customer merchant
//	waive    decided stays; customer merchant
//	execute  decided settled → executing; system
//	close    executing → closed; system
//	withdraw merchant_turn customer_turn arbitration → withdrawn; customer merchant
//
// Evidence is only ever added. Each [Evidence] carries a hash over itself and all
// before it, texts are kept sealed, and [Verify] proves the chain, the legs and what
// the orders hold.
//
// Begin with [Service.Open], [Service.Answer] and [Service.Decide]; [Service.Tick]
// does what happens by itself.
package dispute
