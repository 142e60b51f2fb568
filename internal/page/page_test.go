package page

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/ticket-mcp/ticket-mcp/internal/report"
)

// hostile are texts by which somebody could try to act on whoever looks at a board.
var hostile = []string{
	`<script>window.pwned = 1</script>`,
	`<img src=x onerror="window.pwned = 1">`,
	`"><svg onload="window.pwned = 1">`,
	`</style><style>body{display:none}</style>`,
	`<a href="javascript:window.pwned = 1" onclick="window.pwned = 1">click</a>`,
	`[click](javascript:window.pwned=1) ![pic](http://127.0.0.1:9/pixel.png) <http://127.0.0.1:9/> [data](data:text/html,<script>1</script>)`,
	`</template></script><script>window.pwned = 1</script><!--`,
	`{{.}} ${window.pwned = 1} {{template "page" .}}`,
	"\x1b[2J\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x9b31m",
	"safe \u202Eelif\u202C \u2066\u2069\u200F end",
	"e" + strings.Repeat("\u0301", 5000),
	"\xff\xfe broken \xc3",
	"data-version=\"\" \x00 \r\n\r\nevent: board\ndata: x",
	strings.Repeat("x", 1<<20),
	strings.Repeat("[", 50_000) + strings.Repeat(">", 50_000),
	"```\n</pre><script>window.pwned = 1</script>\n```\n<div onmouseover=alert(1)>\n\n<!-- <script>window.pwned = 1</script> -->\n<iframe src=http://127.0.0.1:9/></iframe>",
	`<input autofocus onfocus="window.pwned = 1"><form action=/x><button>x</button></form><meta http-equiv=refresh content=0>`,
}

// hostileBoard has each of them in every text of a ticket. Ids are checked by ticketfs; they stay
// what they are.
func hostileBoard(now time.Time) (*Board, func(string) (Text, error)) {
	b := &Board{Name: hostile[0], At: now}
	for i, text := range hostile {
		for c := range Done {
			t := Ticket{
				ID: fmt.Sprintf("h%d-%d", i,
					c), Title: text, Type: text, Assignee: text, Tags: []string{text, text}, Column: c, Priority: 1,
				Hold: text, CloseReason: text, Resolution: text, ClosedBy: text, Closed: now, Parent: "h0-0",
				Holder: &Holder{text, Alive,
					now}, Blockers: []string{"h0-1"}, Waits: []Wait{{ID: "h0-1", State: "open"}},
			}
			b.Tickets = append(b.Tickets, t)
		}
		b.Changes = append(b.Changes, Change{At: now, Who: text, What: text, ID: "h0-0",
			Title: text, Detail: text})
		b.Broken = append(b.Broken, Broken{fmt.Sprintf("b%d", i), text})
	}
	return b.prepare(), func(id string) (Text, error) {
		var i, c int
		if _, err := fmt.Sscanf(id, "h%d-%d", &i, &c); err != nil {
			return Text{}, fmt.Errorf("%s: %s", id, hostile[0])
		}
		return Text{Body: "# " + hostile[i] + "\n\n" + hostile[i] + "\n\n- [ ] " + hostile[i],
			Notes: hostile, Boxes: 3, BoxesDone: 1}, nil
	}
}

// hostileReport is a report on hostile tickets.
var hostileReport = func() (r report.Report) {
	for i, text := range hostile {
		item := report.Item{ID: fmt.Sprintf("h%d-0", i), Title: text, Who: text, Why: text}
		r.NeedsPerson, r.Abandoned, r.Done = append(r.NeedsPerson, item), append(r.Abandoned,
			item), append(r.Done, item)
		r.Agents = append(r.Agents, report.Agent{Name: text, Median: text})
		r.Outside = append(r.Outside, text)
	}
	return r
}()

// TestFileIsBounded: whatever stands in tickets, the file stays small, and is made in a moment.
func TestFileIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes large files: not with -short")
	}
	now := time.Now()
	for name, make := range map[string]func() (*Board, func(string) (Text, error)){
		"hostile": func() (*Board, func(string) (Text, error)) { return hostileBoard(now) },
		"large": func() (*Board, func(string) (Text, error)) {
			return crowd(10_000,
				now), func(string) (Text, error) { return Text{Body: strings.Repeat("words and more words\n\n", 200)}, nil }
		},
	} {
		b, text := make()
		var out strings.Builder
		if err := b.WriteFile(&out, text, nil); err != nil {
			t.Fatal(err)
		}
		const most = maxFileText + 4<<20
		if out.Len() > most {
			t.Errorf("%s: the file has %d bytes, want at most %d", name, out.Len(), most)
		}
		if !utf8.ValidString(out.String()) || strings.ContainsAny(out.String(), "\x00\x1b\x07") {
			t.Errorf("%s: the file has bytes that do not belong on a page", name)
		}
	}
}

// TestAllTicketsAreCounted: each ticket is a card, or is counted as one more.
func TestAllTicketsAreCounted(t *testing.T) {
	for _, n := range []int{0, 1, 37, 4000} {
		b := crowd(n, time.Now())
		v := b.view("", nil)
		shown := b.counts()[Done]
		for _, c := range v.Columns {
			if len(c.Cards) > maxCards || len(c.Cards)+c.More != c.N {
				t.Errorf("%d tickets: column %s has %d cards and %d more of %d", n, c.Name,
					len(c.Cards), c.More, c.N)
			}
			shown += len(c.Cards) + c.More
		}
		if shown != n {
			t.Errorf("%d tickets: %d are shown or counted", n, shown)
		}
		open := 0
		for _, t := range b.Tickets {
			if !t.Column.closed() {
				open++
			}
		}
		if got := len(v.Graph.Nodes) + v.Graph.Left + v.Graph.Free; got != open {
			t.Errorf("%d tickets: the graph draws or counts %d of %d open ones", n, got, open)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"text", "a *b* **c** `d`", "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>\n"},
		{"html is text", "a <b onclick=x>c</b>", "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n"},
		{"a block of html is text", "<script>x</script>\n",
			"<pre>&lt;script&gt;x&lt;/script&gt;\n</pre>\n"},
		{"no image is loaded", "![alt](http://x/y.png)", "<p>[image: alt]</p>\n"},
		{"a link", "[t](https://go.dev)",
			`<p><a href="https://go.dev" rel="nofollow noreferrer noopener" target="_blank">t</a></p>` + "\n"},
		{"no script by a link", "[t](javascript:alert(1))", "<p>t</p>\n"},
		{"no link into the page's own files", "[t](/secret)", "<p>t</p>\n"},
		{"boxes", "- [x] a\n- [ ] b",
			"<ul>\n<li><input type=\"checkbox\" disabled=\"\" checked=\"\" aria-label=\"done\"> a</li>\n<li><input type=\"checkbox\" disabled=\"\" aria-label=\"to do\"> b</li>\n</ul>\n"},
		{"columns keep their side", "| a |\n|--:|\n| 1 |",
			"<table>\n<thead>\n<tr>\n<th align=\"right\">a</th>\n</tr>\n</thead>\n" +
				"<tbody>\n<tr>\n<td align=\"right\">1</td>\n</tr>\n</tbody>\n</table>\n"},
		{"control characters are seen", "a\x1b[1mb\u202Ec", "<p>a\uFFFD[1mb\uFFFDc</p>\n"},
	} {
		if got := string(markdown(c.body)); got != c.want {
			t.Errorf("%s: got  %q\nwant %q", c.name, got, c.want)
		}
	}
}

// TestMarkdownEnds: no body of the size that is rendered takes long.
func TestMarkdownEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("renders large bodies: not with -short")
	}
	render := func(body string) time.Duration {
		began := time.Now()
		markdown(body)
		return time.Since(began)
	}
	for _, unit := range []string{"[", ">", "*a ", "`", "![](", "- ", "<a ", "&", "|", "(http://a.",
		"_a*", "~", "[a](<", "<!--", "1. \n", "\t- x\n", "|a|\n|-|\n", "[x]: y\n", "\\", "a@b."} {
		for _, body := range []string{strings.Repeat(unit, maxBody/len(unit)),
			strings.Repeat(strings.Repeat(unit, maxMarks/3)+"\n\n", maxBody/maxMarks)} {
			// Beside words of the same length, since the machine may do other things as well.
			words := render(strings.Repeat("word ", maxBody/5))
			if took := render(body); took > max(3*time.Second, 1000*words) {
				t.Errorf("a body of many %q takes %s, one of words %s", unit, took, words)
			}
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 10, "short"},
		{"exactly 10", 10, "exactly 10"},
		{"a longer text", 10, "a longer …"},
		{"日本語のタイトル", 9, "日本語の…"},
		{"two\nlines\tand   blanks", 40, "two lines and blanks"},
		{"👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 5, "👩‍👩‍👧‍👦👩‍👩‍👧‍👦…"},
		{"\x1b[31mred", 20, "\uFFFD[31mred"},
		{"", 5, ""},
		{"x", 0, ""},
	} {
		if got := line(c.text, c.width); got != c.want {
			t.Errorf("line(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
	for _, text := range hostile {
		got := line(text, 40)
		if w := uniseg.StringWidth(got); w > 40 {
			t.Errorf("%.40q: %d wide", text, w)
		}
		if len(got) > 64*41+4 {
			t.Errorf("%.40q: %d bytes", text, len(got))
		}
	}
}

// TestServerRefuses: who has not the URL, or comes by another name, gets nothing of the board.
func TestServerRefuses(t *testing.T) {
	b, text := sample(time.Now())
	_, server := serveBoard(t, b, text)
	ours := strings.TrimSuffix(server.URL(), "/")
	base := "http://" + server.hosts[0]
	for _, c := range []struct {
		name, method, url, host string
		want                    int
	}{
		{"the page", "GET", ours + "/", "", 200},
		{"by the name localhost", "GET", ours + "/", server.hosts[1], 200},
		{"the board", "GET", ours + "/board", "", 200},
		{"a ticket", "GET", ours + "/ticket/d5logi", "", 200},
		{"no such ticket", "GET", ours + "/ticket/none", "", 404},
		{"a path instead of an id", "GET", ours + "/ticket/..%2f..%2fetc%2fpasswd", "", 404},
		{"no secret", "GET", base + "/", "", 404},
		{"no slash behind the secret", "GET", ours, "", 404},
		{"a wrong secret", "GET", base + "/AAAAAAAAAAAAAAAAAAAAAAAAAA/", "", 404},
		{"nothing known", "GET", ours + "/other", "", 404},
		{"another host", "GET", ours + "/", "evil.example", 421},
		{"another port", "GET", ours + "/", "127.0.0.1:1", 421},
		{"no writing", "POST", ours + "/board", "", 405},
		{"no removal", "DELETE", ours + "/ticket/d5logi", "", 405},
	} {
		request, err := http.NewRequest(c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", c.name, response.StatusCode, c.want)
		}
		if c.want != 200 && strings.Contains(string(body), "passkey") {
			t.Errorf("%s: refused, but with the board: %s", c.name, body)
		}
		policy := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'sha256-",
			"style-src 'sha256-", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q without %s", c.name, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") ||
			response.Header.Get("Referrer-Policy") != "no-referrer" ||
			response.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", c.name, response.Header)
		}
	}
}

func TestServerIsOnLoopbackOnly(t *testing.T) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if _, err := NewServer(l, Source{}); err == nil {
		t.Error("a board was to be served to the whole network")
	}
}

// TestServerTellsFaults: a board that went away is said, and the page goes on when it is back.
func TestServerTellsFaults(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, text := sample(time.Now())
	fail := make(chan error, 1)
	server, err := NewServer(l, Source{
		Board: func() (*Board, error) {
			select {
			case err := <-fail:
				return nil, err
			default:
				return b, nil
			}
		},
		Text: text,
		Wait: func(ctx context.Context) bool { return sleep(ctx, time.Millisecond) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() { _ = server.Serve(ctx, l) }()
	request, err := http.NewRequestWithContext(ctx, "GET", server.URL()+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	seen := ""
	read := func(want string) {
		t.Helper()
		buffer := make([]byte, 4096)
		for !strings.Contains(seen, want) {
			n, err := response.Body.Read(buffer)
			if seen += string(buffer[:n]); err != nil {
				t.Fatalf("%v before %q: %q", err, want, seen)
			}
		}
		seen = ""
	}
	read("event: board\ndata: ")
	fail <- fmt.Errorf("no_store: gone\nevent: board")
	read("event: fault\ndata: no_store: gone event: board\n\n")
	read("event: board\ndata: ")
}

func TestIndexHoldsAllTickets(t *testing.T) {
	b := crowd(3000, time.Now())
	text, err := json.Marshal(b.index())
	if err != nil {
		t.Fatal(err)
	}
	var rows [][5]string
	if err := json.Unmarshal(text, &rows); err != nil || len(rows) != 3000 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
