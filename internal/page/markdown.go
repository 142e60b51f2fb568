package page

import (
	"bytes"
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	// maxBody is how much of a body is shown, in bytes.
	maxBody = 64 << 10
	// maxMarks is how many characters of markup a paragraph may have to be rendered: the time for
	// some of them grows with the square of their number. What people write has a few hundred at
	// most.
	maxMarks = 1500
)

// markdown renders a body. HTML in it is shown as the text it is; what is made is then reduced to a
// short list of elements and attributes, so that a fault of the renderer is no fault of the page.
// Images are not loaded: a page has no network.
func markdown(body string) template.HTML {
	var more string
	if len(body) > maxBody {
		more = fmt.Sprintf("<p class=\"cut\">%s more bytes are not shown.</p>",
			number(len(body)-maxBody))
		body = body[:maxBody]
	}
	body = clean(body)
	var out bytes.Buffer
	if marks(body) > maxMarks || renderMarkdown(&out, body) != nil {
		return template.HTML("<pre>" + template.HTMLEscapeString(body) + "</pre>" + more)
	}
	return template.HTML(policy().SanitizeBytes(out.Bytes())) + template.HTML(more)
}

// marks is the largest number of characters of markup between two blank lines.
func marks(body string) int {
	most, n := 0, 0
	for text := range strings.Lines(body) {
		if strings.TrimSpace(text) == "" {
			n = 0
		}
		for _, c := range []byte(text) {
			switch c {
			case '*', '_', '~', '[', '<', '>', '!', '`':
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// renderMarkdown turns a panic of the renderer, for a text that it cannot take, into an error: the
// text is then shown as it is.
func renderMarkdown(out *bytes.Buffer, body string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("render: %v", r)
		}
	}()
	return engine().Convert([]byte(body), out)
}

var engine = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, extension.TaskList,
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(literal{}, 1))),
	)
})

// literal shows HTML and images as text.
type literal struct{}

func (literal) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node,
		entering bool) (ast.WalkStatus, error) {
		if entering {
			writeLines(w, source, n.(*ast.RawHTML).Segments)
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node,
		entering bool) (ast.WalkStatus, error) {
		if entering {
			block := n.(*ast.HTMLBlock)
			_, _ = w.WriteString("<pre>") // to a buffer in memory
			writeLines(w, source, block.Lines())
			if block.HasClosure() {
				_, _ = w.Write(util.EscapeHTML(block.ClosureLine.Value(source)))
			}
			_, _ = w.WriteString("</pre>\n")
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(east.KindTaskCheckBox, func(w util.BufWriter, _ []byte, n ast.Node,
		entering bool) (ast.WalkStatus, error) {
		if box := `<input type="checkbox" disabled="" aria-label="to do"> `; entering {
			if n.(*east.TaskCheckBox).IsChecked {
				box = `<input type="checkbox" disabled="" checked="" aria-label="done"> `
			}
			_, _ = w.WriteString(box)
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node,
		entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString("[image: ")
		} else {
			_, _ = w.WriteString("]")
		}
		return ast.WalkContinue, nil
	})
}

// policy is what a rendered body may consist of.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "del", "code", "pre", "blockquote",
		"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("aria-label").Matching(regexp.MustCompile(`^(done|to do)$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
})

func writeLines(w util.BufWriter, source []byte, lines *text.Segments) {
	for i := range lines.Len() {
		segment := lines.At(i)
		_, _ = w.Write(util.EscapeHTML(segment.Value(source))) // to a buffer in memory
	}
}
