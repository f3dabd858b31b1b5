package console

// word is a text of the console in both languages.
type word struct{ en, zh string }

// say is the word in a language; the key itself where there is none.
func say(lang, key string) string {
	w, known := words[key]
	switch {
	case !known:
		return key
	case lang == "zh":
		return w.zh
	}
	return w.en
}

// label is the word for a value of a group, such as a state of an order; the
// value itself where there is none.
func label(lang, group, value string) string {
	if _, known := words[group+"."+value]; !known {
		return value
	}
	return say(lang, group+"."+value)
}

// words are all texts of the console, from a file for each topic. A key stands in
// one of them only.
var words = merged(pageWords, buttonWords, orderWords, moneyWords, accessWords, auditWords, feeWords, policyWords, eventWords, settlementWords, receivableWords, spendingWords, reconciliationWords, invoiceWords, paymentsWords, splitWords, closingWords, supervisionWords, insightWords, verificationWords, disputeWords, bookedWords)

func merged(topics ...map[string]word) map[string]word {
	all := map[string]word{}
	for _, words := range topics {
		for key, w := range words {
			if _, twice := all[key]; twice {
				panic("two texts for " + key) // as the compiler refuses them within a file
			}
			all[key] = w
		}
	}
	return all
}
