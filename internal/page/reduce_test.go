package page

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// sanitizer is the same policy for a sanitizer that reads any HTML: what reduce lets through must
// come through it unchanged.
func sanitizer() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "del",
		"code", "pre", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).
		OnElements("th", "td")
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
}

// tokens are what a browser's tokenizer makes of HTML.
func tokens(text string) (tokens []string) {
	t := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := t.Next()
		token := t.Token()
		switch {
		case kind == html.ErrorToken:
			return tokens
		case kind == html.TextToken && len(tokens) > 0 &&
			strings.HasPrefix(tokens[len(tokens)-1], "text "):
			tokens[len(tokens)-1] += token.Data
		case kind == html.TextToken:
			tokens = append(tokens, "text "+token.Data)
		default:
			tokens = append(tokens, token.String())
		}
	}
}

// difference between what is left by reduce and what the sanitizer leaves of a text.
func difference(reduced, of string) string {
	return cmp.Diff(tokens(sanitizer().Sanitize(of)), tokens(reduced))
}

// pieces are what HTML can be made of, by a renderer that errs or by somebody who means harm.
var pieces = slices.Concat(hostile[:8], []string{
	"<p>", "</p>", "<br>", "<br />", "<hr>", "<ol start=\"3\">", "<ol start=\"-1\" onclick=\"x\">",
	"<td align=\"left\">", "<td align=\"left;x\" style=\"a:b\">", "</td>", "<code class=\"go\">",
	"<a href=\"http://x.y/?a=b&amp;c\" title=\"t\">", "</a>", "<a>", "<a href=\"//x.y\">",
	"<a href=\"mailto:a@b.c\">", "<a href=\"java&#115;cript:x\">", "<a href=\"HTTPS://x.y\">",
	"<a href=\"mailto:a&quot;onclick=&quot;x\">", "<a href=\"mailto:a b\">",
	"<a href=\" http://x.y \">", "<a href=\"http://x.y\" href=\"javascript:x\">", "<a href='http://x'>",
	"<input type=\"checkbox\" disabled=\"\" aria-label=\"done\">", "<input>", "<input type=\"text\">",
	"<input disabled=\"\" type=\"checkbox\" onfocus=\"x\">", "<script>", "</script>", "<style>",
	"<textarea>", "<plaintext>", "<!--", "-->", "<![CDATA[", "<?x", "<P>", "<p\n>", "<p/>", "< p>",
	"<", ">", "\"", "'", "=", " ", "&", "&lt;", "&#60;script&#62;", "\u00e9", "word", "/", "<a href=\"",
	"<svg>", "<math>", "<p onclick=\"x\">", "<td align=\"left\" align=\"right\">",
})

// TestReduceIsNoWider: of whatever a renderer makes, reduce leaves nothing that the sanitizer
// would take away.
func TestReduceIsNoWider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "made"), "")
		reduced := reduce(made)
		if diff := difference(reduced, reduced); diff != "" {
			t.Errorf("of %q reduce leaves %q, the sanitizer less (-sanitizer +reduce):\n%s", made,
				reduced, diff)
		}
	})
}

// TestReduceIsNoNarrower: of what this renderer makes of a body, reduce takes no more than the
// sanitizer.
func TestReduceIsNoNarrower(t *testing.T) {
	bodies := slices.Concat(pieces, []string{
		"# h\n", "\n\n", "- [x] a\n", "- b\n", "3. c\n", "> q\n", "*e* **s** ~~d~~ `c`", "---\n",
		"```go\nx < y && z\n```\n", "| a | b |\n|:--|--:|\n| 1 | 2 |\n", "[t](http://x.y \"T\")",
		"[t](javascript:x)", "[t](/x)", "[t](#x)", "[t](mailto:a@b.c)", "<http://x.y/\u00fc>", "www.x.org",
		"a@b.org", "[t](<http://x y>)", "![i](http://x.y/i.png)", "[![i](a)](http://x.y)", "  \n",
	})
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom(bodies), 0, 12).Draw(t, "body"), "")
		var out bytes.Buffer
		if renderMarkdown(&out, clean(body)) != nil {
			return
		}
		if diff := difference(reduce(out.String()), out.String()); diff != "" {
			t.Errorf("of %q, %q (-sanitizer +reduce):\n%s", body, out.String(), diff)
		}
	})
}
