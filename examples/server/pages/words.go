package pages

import "maps"

// word is a text in both languages.
type word struct{ en, zh string }

// say is the word in a language, else the console's.
func say(lang, key string, theirs func(string) string) string {
	w, known := words[key]
	switch {
	case !known:
		return theirs(key)
	case lang == "zh":
		return w.zh
	}
	return w.en
}

// words are all texts of the pages, from a file for each reader.
var words = merged(commonWords, customerWords, orderWords, staffWords, merchantWords)

func merged(topics ...map[string]word) map[string]word {
	all := map[string]word{}
	for _, words := range topics {
		for key := range words {
			if _, twice := all[key]; twice {
				panic("two texts for " + key) // as the compiler refuses them within a file
			}
		}
		maps.Copy(all, words)
	}
	return all
}
