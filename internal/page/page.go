// Package page shows a board to people: as one HTML file, as a live page on loopback, and in a
// terminal.
//
// Promised: what stands in tickets is shown as text. It brings no script, no style, no image and no
// request to the page, and nothing that a terminal obeys, whatever it holds; what is shown is
// bounded, and what is left out is counted. The page needs no network. Nothing here changes a
// ticket.
//
// Not promised: that a board is shown as of now. It is advice, as of the time it names; start
// decides.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/report"
)

//go:embed page.html page.css page.js
var sources embed.FS

func source(name string) string {
	text, err := sources.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// templates are parsed once.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"add":        func(a, b int) int { return a + b },
		"rfc":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"line":       line,
		"number":     number,
		"tickets":    func(n int) string { return counted(n, "ticket") },
		"columnName": columnName,
	}).Parse(source("page.html")))
})

func columnName(key string) string {
	for c, k := range columnKeys {
		if k == key {
			return c.String()
		}
	}
	return "Not a ticket"
}

// policy of the page: its own style and its own script, by their hashes, and requests to where it
// came from.
var contentPolicy = sync.OnceValue(func() string {
	hash := func(name string) string {
		sum := sha256.Sum256([]byte(source(name)))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash("page.css") + "; script-src " + hash("page.js") +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'"
})

// pageData is what the page's template takes.
type pageData struct {
	Board   boardView
	Static  bool
	Policy  string
	Style   template.CSS
	Script  template.JS
	Index   template.JS
	Tickets []template.HTML
	Report  *reportView
	LeftOut string
}

const (
	// maxFileTickets and maxFileText bound the tickets whose text a file contains.
	maxFileTickets = 2000
	maxFileText    = 8 << 20
)

// WriteFile writes the board as one page that needs nothing else, with a report unless that is nil.
func (b *Board) WriteFile(w io.Writer, text func(id string) (Text, error), r *report.Report) error {
	index, err := json.Marshal(b.index())
	if err != nil {
		return fmt.Errorf("write the search index: %w", err)
	}
	data := pageData{
		Board: b.view("", text), Static: true, Policy: contentPolicy(),
		Style: template.CSS(source("page.css")), Script: template.JS(source("page.js")),
		Index: template.JS(index), // json.Marshal escapes <, > and &
	}
	if r != nil {
		v := viewReport(*r)
		data.Report = &v
	}
	var ids []string
	for _, broken := range data.Board.Broken {
		ids = append(ids, broken.ID)
	}
	for _, c := range append(slices.Clone(Columns), Done) {
		for _, t := range b.inColumn(c) {
			ids = append(ids, t.ID)
		}
	}
	size := 0
	for _, id := range ids {
		if len(data.Tickets) == maxFileTickets || size > maxFileText {
			break
		}
		v, _ := b.ticketView(id, text)
		var out strings.Builder
		if err := templates().ExecuteTemplate(&out, "kept", v); err != nil {
			return fmt.Errorf("write %s: %w", id, err)
		}
		size += out.Len()
		data.Tickets = append(data.Tickets, template.HTML(out.String()))
	}
	if left := len(ids) - len(data.Tickets); left > 0 {
		data.LeftOut = fmt.Sprintf("The texts of %s are not in this file.", counted(left, "ticket"))
	}
	return templates().ExecuteTemplate(w, "page", data)
}

// fragment renders the part of the page that follows the board.
func (b *Board) fragment(version string, text func(id string) (Text, error)) ([]byte, error) {
	var out bytes.Buffer
	err := templates().ExecuteTemplate(&out, "board", b.view(version, text))
	return out.Bytes(), err
}

// livePage renders the page that follows the board.
func (b *Board) livePage(version string, text func(id string) (Text, error)) ([]byte, error) {
	var out bytes.Buffer
	err := templates().ExecuteTemplate(&out, "page", pageData{
		Board: b.view(version,
			text), Style: template.CSS(source("page.css")), Script: template.JS(source("page.js")),
	})
	return out.Bytes(), err
}
