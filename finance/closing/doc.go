// Package closing ends months and years of the books, and reports on them.
//
// A month goes from open to soft-closed to hard-closed ([Service.SoftClose],
// [Service.HardClose]). The fence itself is [finance.Periods]: every posting that
// could land in a closed month checks it, so what races with a close is in the
// old month or in the new one, never in none. Soft-closed, a month takes only what
// accountants book with a reason and what belongs to its end; late facts of all
// domains go into the next open month and tell their day in the memo.
//
// # The checklist
//
// A month is hard-closed when every item of [Service.Checklist] is green, or
// waived with a reason: the journal numbered, debits and credits equal, suspense
// empty, the year closed in December, and whatever other rooms report through
// [Checks]. The [Close] that is left behind holds balances, number of postings and
// a SHA-256 over every sum of the month and the close before it, so closes are a
// chain; [Verify] computes it anew. The last month can be opened again by two
// operators, and is closed again by the same way.
//
// # Statements
//
// [Service.BalanceSheet], [Service.IncomeStatement], [Service.CashFlow] and
// [Service.Escrow] are made of the sums of months, never of the journal, under the
// codes of a law's chart. [Service.CloseYear] carries the result of a year to
// retained earnings: the next year opens with what the last one closed with.
//
// # Taxes
//
// [Service.ReportTax] states for a quarter what each merchant and staff member
// earned, straight from postings. A correction is a new version with the
// difference; [Service.ExportTax] writes one as JSON lines with its digest. Who is in
// an exempt group has an [Exemption] for a term and on evidence
// ([Service.GrantExemption]): from reporting, from withholding, or from the tax on what
// it sells.
package closing
