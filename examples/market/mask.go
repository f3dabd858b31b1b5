package market

import "strings"

// covered stands where something is sealed.
const covered = "•••"

// cover puts a mask over the field at a path such as "items[].note" of a decoded
// document, if it is there.
func cover(at any, path string) {
	name, rest, deeper := strings.Cut(path, ".")
	list := strings.HasSuffix(name, "[]")
	fields, _ := at.(map[string]any)
	name = strings.TrimSuffix(name, "[]")
	value, there := fields[name]
	switch {
	case !there:
	case !deeper:
		fields[name] = covered
	case list:
		all, _ := value.([]any)
		for _, item := range all {
			cover(item, rest)
		}
	default:
		cover(value, rest)
	}
}
