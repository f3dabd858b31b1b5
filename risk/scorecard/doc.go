// Package scorecard scores what is known of somebody or something by a published
// definition: merchants at their appraisal (clause 3.3.1), staff at their review
// (4.3.1), credit (8.2.2). It decides and explains; it stores nothing.
//
// # A score that can be answered for
//
// A [Definition] weighs criteria, each with a curve from its measured value to
// points of 0 to 100. [Definition.Score] applies it to observations and is pure: the
// same values give the same bytes, with a hash to prove it. Its [Result] is the sum
// of its contributions, to the last digit, each with its n, its interval and the
// evidence it rests on, with what was left out and why.
//
// # Little is known of the small
//
// What rests on fewer cases than a criterion's Sample is drawn towards the mean of
// its peers, as strongly as the sample is small. Nothing scores 0 or 100 because
// nothing was seen: a criterion without cases is left out, its weight shared by the
// others, and where less than [Definition.Floor] of the weight is covered there is
// no score and no grade at all.
//
// # Grades that do not flutter
//
// [Definition.Settled] keeps the grade that somebody had until the interval of the score
// lies beyond the boundary, or two periods say the same.
//
// # Weights from what happened
//
// [Fit] learns a scorecard from cases whose end is known: bins that run one way,
// weights of evidence, a ridge regression tested on what came after, and points that
// can be printed ([Model.Table]). Its [Report] is of predictions, never of what was
// learnt by heart.
//
// Start with [Definition.Check] and [Definition.Score].
package scorecard
