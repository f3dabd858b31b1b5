package edge

import (
	_ "embed"
	"html/template"
	"net/http"
)

// stylesheet is served by the console; without it a page still reads.
const stylesheet = "/console/style.css"

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page writes the problem for a person with a browser; a stranger reads how to
// log in.
func (p *Problem) page(w http.ResponseWriter, r *http.Request) {
	lang := Language(r.Context())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.WriteHeader(p.Status)
	_ = pageTemplate.Execute(w, map[string]any{ // the client is gone when this fails
		"Problem": p, "Title": http.StatusText(p.Status), "Style": stylesheet,
		"Chinese": lang == "zh", "Stranger": p.Status == http.StatusUnauthorized,
	})
}
