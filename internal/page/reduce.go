package page

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// tagForm is how the renderer writes a tag. Any other < is text.
var tagForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"<>]*")*)>`)
})

var attributeForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(` ([a-z-]+)="([^"]*)"`)
})

// policy is what a rendered body may consist of: elements, their attributes, and the forms of the
// values of these.
var policy = sync.OnceValue(func() map[string]map[string]*regexp.Regexp {
	elements := make(map[string]map[string]*regexp.Regexp)
	for _, name := range []string{"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em",
		"strong", "del", "code", "pre", "blockquote", "ul", "li", "table", "thead", "tbody", "tr"} {
		elements[name] = nil
	}
	alignment := map[string]*regexp.Regexp{"align": regexp.MustCompile(`^(left|right|center)$`)}
	elements["th"], elements["td"] = alignment, alignment
	elements["ol"] = map[string]*regexp.Regexp{"start": regexp.MustCompile(`^[0-9]+$`)}
	elements["input"] = map[string]*regexp.Regexp{
		"type":       regexp.MustCompile(`^checkbox$`),
		"disabled":   regexp.MustCompile(`^$`),
		"checked":    regexp.MustCompile(`^$`),
		"aria-label": regexp.MustCompile(`^(done|to do)$`),
	}
	return elements
})

// reduce leaves of what the renderer has made what the policy and link allow, so that a fault of
// the renderer is no fault of the page. It does not read HTML that others wrote: the renderer has
// made text of that.
func reduce(rendered string) string {
	var out strings.Builder
	var links []bool // the open ones: whether they are written
	for {
		at := strings.IndexByte(rendered, '<')
		if at < 0 {
			out.WriteString(strings.ReplaceAll(rendered, ">", "&gt;"))
			return out.String()
		}
		out.WriteString(strings.ReplaceAll(rendered[:at], ">", "&gt;"))
		tag := tagForm().FindStringSubmatch(rendered[at:])
		if tag == nil {
			out.WriteString("&lt;")
			rendered = rendered[at+1:]
			continue
		}
		rendered = rendered[at+len(tag[0]):]
		name, attributes := tag[2], attributeForm().FindAllStringSubmatch(tag[3], -1)
		forms, is := policy()[name]
		switch end := tag[1] != ""; {
		case name == "a" && !end:
			opening := link(attributes)
			links = append(links, opening != "")
			out.WriteString(opening)
		case name == "a" && len(links) > 0:
			if links[len(links)-1] {
				out.WriteString("</a>")
			}
			links = links[:len(links)-1]
		case is && end:
			out.WriteString("</" + name + ">")
		case is:
			out.WriteString(element(name, attributes, forms))
		}
	}
}

// element is an opening tag with those of its attributes that have an allowed form.
func element(name string, attributes [][]string, forms map[string]*regexp.Regexp) string {
	text, kind := "<"+name, ""
	for _, a := range attributes {
		if form := forms[a[1]]; form != nil && form.MatchString(a[2]) {
			text += a[0]
			if a[1] == "type" {
				kind = a[2]
			}
		}
	}
	if name == "input" && kind == "" {
		return "" // it would be a field to write in
	}
	return text + ">"
}

// link is the opening tag of a link that leads out of the page; "" for any other. It tells the
// other side nothing, and opens beside the page.
func link(attributes [][]string) string {
	for _, a := range attributes {
		if a[1] != "href" {
			continue
		}
		address := strings.TrimSpace(html.UnescapeString(a[2]))
		u, err := url.Parse(address)
		if err != nil || strings.ContainsAny(address, " \t\n") ||
			!slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) {
			return ""
		}
		rel := `rel="nofollow noreferrer"`
		if u.Host != "" {
			rel = `rel="nofollow noreferrer noopener" target="_blank"`
		}
		return `<a href="` + html.EscapeString(u.String()) + `" ` + rel + `>`
	}
	return ""
}
