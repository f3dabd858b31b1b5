package finance

import "strings"

// Class is where an account stands in the statements.
type Class string

// The classes of accounts. Memo accounts count what is promised, not what is
// owned or owed: they balance among themselves.
const (
	Asset     Class = "asset"
	Liability Class = "liability"
	Equity    Class = "equity"
	Income    Class = "income"
	Expense   Class = "expense"
	Memo      Class = "memo"
)

// side is the direction in which the balance of an account grows.
type side int64

const (
	debit  side = +1
	credit side = -1
)

// line is one role of the chart of accounts.
type line struct {
	Role    string
	Code    int // stable
	Class   Class
	Normal  side
	Of      bool // an account for each order; or chargeback, contract, budget line
	Party   bool // an account for each party: merchant, staff member, institution
	Named   bool // may be kept apart by a name: a category, a tax, a cost centre
	Floored bool // has an available counter, which never falls below zero
}

// chart is the chart of accounts, in the order of codes. The platform is an
// agent: what customers pay is theirs, then the merchant's; only fees are
// income. Where it is the principal, it has revenue and cost of service.
var chart = []line{
	{Role: "bank", Code: 1010, Class: Asset, Normal: debit, Party: true},
	{Role: "clearing", Code: 1020, Class: Asset, Normal: debit, Party: true},
	{Role: "receivable", Code: 1110, Class: Asset, Normal: debit, Party: true, Floored: true},
	{Role: "chargeback", Code: 1120, Class: Asset, Normal: debit, Of: true, Floored: true},
	{Role: "allowance", Code: 1190, Class: Asset, Normal: credit, Party: true, Floored: true}, // contra: for each portfolio
	{Role: "advance", Code: 1210, Class: Asset, Normal: debit, Party: true, Floored: true},
	{Role: "input_tax", Code: 1290, Class: Asset, Normal: debit, Named: true},
	{Role: "exchange", Code: 1310, Class: Asset, Normal: debit, Party: true}, // for each pair of currencies: cny-eur
	{Role: "suspense", Code: 1990, Class: Asset, Normal: debit, Party: true},
	{Role: "escrow", Code: 2010, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "earning", Code: 2015, Class: Liability, Normal: credit, Of: true, Party: true, Floored: true},
	{Role: "payable", Code: 2020, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "reserve", Code: 2030, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "deposit", Code: 2040, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "refund_due", Code: 2050, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "surplus", Code: 2060, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "tips", Code: 2070, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "output_tax", Code: 2080, Class: Liability, Normal: credit, Named: true},
	{Role: "withholding", Code: 2090, Class: Liability, Normal: credit, Named: true},
	{Role: "unapplied", Code: 2100, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "deferred", Code: 2110, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "unclaimed", Code: 2190, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "opening", Code: 3010, Class: Equity, Normal: credit},
	{Role: "retained", Code: 3020, Class: Equity, Normal: credit},
	{Role: "revenue", Code: 4005, Class: Income, Normal: credit, Named: true},
	{Role: "commission", Code: 4010, Class: Income, Normal: credit, Named: true},
	{Role: "cancel_fee", Code: 4015, Class: Income, Normal: credit, Named: true},
	{Role: "onboarding", Code: 4020, Class: Income, Normal: credit, Named: true},
	{Role: "advertising", Code: 4030, Class: Income, Normal: credit, Named: true},
	{Role: "dunning_fee", Code: 4040, Class: Income, Normal: credit},
	{Role: "penalty", Code: 4050, Class: Income, Normal: credit},
	{Role: "difference", Code: 4090, Class: Income, Normal: credit}, // rounding, breakage, exchange: either sign
	{Role: "cost_of_service", Code: 5005, Class: Expense, Normal: debit, Named: true},
	{Role: "gateway_fee", Code: 5010, Class: Expense, Normal: debit, Party: true},
	{Role: "bad_debt", Code: 5020, Class: Expense, Normal: debit},
	{Role: "chargeback_loss", Code: 5030, Class: Expense, Normal: debit},
	{Role: "compensation", Code: 5040, Class: Expense, Normal: debit},
	{Role: "reward", Code: 5050, Class: Expense, Normal: debit, Named: true},
	{Role: "payroll", Code: 5060, Class: Expense, Normal: debit, Named: true},
	{Role: "marketing", Code: 5070, Class: Expense, Normal: debit, Named: true},
	{Role: "expense", Code: 5080, Class: Expense, Normal: debit, Named: true},
	{Role: "plan", Code: 9010, Class: Memo, Normal: debit, Of: true},
	{Role: "free", Code: 9020, Class: Memo, Normal: credit, Of: true, Floored: true},
	{Role: "committed", Code: 9030, Class: Memo, Normal: credit, Of: true, Floored: true},
	{Role: "spent", Code: 9040, Class: Memo, Normal: credit, Of: true},
}

// Statutory says under which code of the law's chart a role is shown. A party's
// three letters behind the role tell an exception: "payable:stf".
type Statutory map[string]string

// PRC is the chart of the Chinese accounting standards for enterprises
// (企业会计准则).
func PRC() Statutory {
	return Statutory{
		"bank": "1002", "clearing": "1012", "receivable": "1122", "chargeback": "1221", "allowance": "1231", "advance": "1221",
		"input_tax": "2221", "exchange": "1012", "suspense": "1221",
		"escrow": "2241", "earning": "2241", "payable": "2202", "payable:stf": "2211", "payable:emp": "2211", "reserve": "2241",
		"deposit": "2241", "refund_due": "2241", "surplus": "2241", "tips": "2241", "output_tax": "2221", "withholding": "2221",
		"unapplied": "2203", "deferred": "2203", "unclaimed": "2241",
		"opening": "4104", "retained": "4104",
		"revenue": "6001", "commission": "6001", "cancel_fee": "6001", "onboarding": "6001", "advertising": "6051",
		"dunning_fee": "6051", "penalty": "6301", "difference": "6301",
		"cost_of_service": "6401", "gateway_fee": "6603", "bad_debt": "6702", "chargeback_loss": "6711", "compensation": "6601",
		"reward": "6601", "payroll": "6602", "marketing": "6601", "expense": "6602",
	}
}

// Row is the code of a row of [Sums] by role; "" for one that is not shown.
func (s Statutory) Row(of string) string {
	if code, apart := s[of]; apart {
		return code
	}
	role, _, _ := strings.Cut(of, ":")
	return s[role]
}

// ClassOf is the class of a role; "" for one that the chart has not.
func ClassOf(role string) Class {
	l, _ := lineOf(role)
	return l.Class
}

// Code is that of an account; "" for one that the law's chart does not show, as
// memo accounts.
func (s Statutory) Code(a Account) string {
	if code, apart := s[a.Role+":"+a.Party.Prefix()]; apart {
		return code
	}
	return s[a.Role]
}
