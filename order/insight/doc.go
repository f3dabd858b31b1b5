// Package insight measures how the marketplace does from what happened to its
// orders: rates with their interval, medians, retention by cohort, trends, and
// open seats against who is on duty. It reads nothing but the log of events.
//
// [Service.Publish] is a sink of the log. It folds the events of an order into
// one [Journey], whose inbox names each event that it knows, so that one which
// comes twice, late or before another changes nothing in the end: however the log
// arrives, the same journeys stand there, bit for bit. [Service.Tick] reads a log
// back that was there before, and again whenever [Terms] change.
//
// Begin with [Service.Report]. A figure says what it counts over what, on how
// many observations, between which bounds, and by which version of its
// [Definition]; a window is [From, Until) in days of the tenant's zone. What an
// event corrects belongs to the window of its order's moment, whose
// [Figures.Revision] rises with it. A figure of fewer than ten persons is kept
// back, and others with it from which it could be worked out.
//
// Orders that an operator placed, those of [Terms.Tests], those taken over and
// those that screening blocked are counted apart and in no figure.
package insight
