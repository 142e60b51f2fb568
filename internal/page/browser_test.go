package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/report"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// These tests look at the page in a real browser. They are skipped, with the reason, where there is
// none.

// browser is a tab of a headless Chromium, with what it complained of and what it asked for.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// chromium is the browser of all tests, as its context: to start one takes seconds of processor time.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"chromium", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		return nil, errNoChromium
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1440, 900), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	atEnd = append(atEnd, cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	atEnd = append(atEnd, cancel)
	return ctx, chromedp.Do(ctx)
})

var errNoChromium = errors.New("no chromium here")

// atEnd ends what tests share.
var atEnd []func()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range slices.Backward(atEnd) {
		end()
	}
	os.Exit(code)
}

// openBrowser opens a window that shares no storage with those of other tests.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser: not with -short")
	}
	ctx, err := chromium()
	if errors.Is(err, errNoChromium) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		t.Fatal(err)
	}
	b.ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return b
}

// note keeps what a page that behaves does not cause.
func (b *browser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("%+v", *e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprint("console: ", e.Type))
	case *page.EventJavascriptDialogOpening:
		b.complaints = append(b.complaints, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// quiet fails the test if the page caused any complaint.
func (b *browser) quiet() {
	b.t.Helper()
	for _, c := range b.said() {
		b.t.Errorf("the browser complained: %s", c)
	}
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval is the value of an expression in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	return value(b, chromedp.Evaluate[T](expression))
}

func value[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// until waits for an expression to become true, and returns how long that took.
func (b *browser) until(what, expression string, most time.Duration) time.Duration {
	b.t.Helper()
	began := time.Now()
	for !eval[bool](b, expression) {
		if time.Since(began) > most {
			b.t.Fatalf("%s: not after %s; the page: %s; the browser: %q", what, most,
				eval[string](b, standing), b.said())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// standing is an expression for where the page stands, for who has waited in vain.
const standing = `JSON.stringify({focus: document.activeElement.outerHTML.slice(0, 200), at: location.hash,
	search: document.querySelector("#search")?.value, hidden: document.querySelector("#results")?.hidden,
	found: document.querySelector("#found")?.textContent, shown: document.visibilityState})`

// said is what the browser has complained of.
func (b *browser) said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.complaints)
}

// open opens a page and waits until it is live.
func (b *browser) open(url string) {
	b.t.Helper()
	b.run(chromedp.Navigate(url))
	b.shown(".live.on")
}

// press is a key that the page takes for itself: the protocol would type it as well.
func (b *browser) press(key string) {
	b.t.Helper()
	eval[bool](b, "document.activeElement.dispatchEvent(new KeyboardEvent(`keydown`, {key: `"+key+"`, bubbles: true, cancelable: true}))")
}

// shown waits until an element is to be seen.
func (b *browser) shown(selector string) {
	b.t.Helper()
	b.until(selector+" is shown", "!!document.querySelector(`"+selector+"`)?.checkVisibility()",
		servertest.Soon)
}

// look sets size and colours.
func (b *browser) look(width, height int64, scheme string) {
	b.t.Helper()
	b.run(chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion",
				Value: "reduce"},
		}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// board is a board for a test to change, served to a browser.
type servedBoard struct {
	mu    sync.Mutex
	board *Board
	fails int // searches that are not answered

	changed chan struct{}
}

func (s *servedBoard) change(fn func(*Board)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.board)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// serveBoard serves a copy of the board as it is at each question.
func serveBoard(t *testing.T, b *Board, text func(string) (Text, error)) (*servedBoard, *Server) {
	t.Helper()
	s := &servedBoard{board: b, changed: make(chan struct{}, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(l, Source{
		Board: func() (*Board, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			b := *s.board
			b.Tickets = slices.Clone(b.Tickets)
			return b.prepare(), nil
		},
		Text: text,
		Wait: func(ctx context.Context) bool {
			select {
			case <-s.changed:
				return true
			case <-ctx.Done():
				return false
			}
		},
		Report: func(context.Context) (report.Report, error) { return hostileReport, nil },
		Find: func(_ context.Context, query string) ([]string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.fails > 0 {
				s.fails--
				return nil, errors.New("not now")
			}
			ids := []string{}
			for _, t := range b.Tickets {
				if body, err := text(t.ID); err == nil && strings.Contains(body.Body, query) {
					ids = append(ids, t.ID)
				}
			}
			return ids, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, server
}

func cards(column string) string {
	return `[...document.querySelectorAll(".column.` + column +
		` .card")].map(c => c.dataset.id).join(" ")`
}

func TestBrowserColumns(t *testing.T) {
	b := openBrowser(t)
	board, text := sample(time.Now())
	_, server := serveBoard(t, board, text)
	b.open(server.URL())
	for column, want := range map[string]string{
		"ready": "dc20hr dc20j2 dc20k3", "progress": "d5logi d5chec d5pool", "waiting": "dc2rel d5audi dc21aa", "hold": "dc21k0 dc1zz9", "today": "dc20aa dc20ab",
	} {
		if got := eval[string](b, cards(column)); got != want {
			t.Errorf("column %s has %q, want %q", column, got, want)
		}
	}
	for selector, want := range map[string]string{
		`.card[data-id="d5logi"]`: "planner", `.card[data-id="d5audi"]`: "waits for\nLog in with a passkey\nplanner\nUpdate Go to 1.26\nready",
		`.card[data-id="dc20j2"]`: "left by builder, which died", `.card[data-id="d5chec"]`: "5 of 9 children closed",
		`.needs`: "Stripe or Adyen?", `#live`: "live · 3 working, 1 abandoned",
	} {
		if got := eval[string](b,
			"document.querySelector(`"+selector+"`).innerText"); !strings.Contains(got, want) {
			t.Errorf("%s says %q, want %q in it", selector, got, want)
		}
	}
	if got := eval[string](b, "document.title"); got != "(1) webshop · tickets" {
		t.Errorf("the tab is called %q", got)
	}
	b.press("g")
	b.shown("#view-graph")
	if got := eval[int](b, `document.querySelectorAll("#view-graph .n").length`); got != 8 {
		t.Errorf("the graph draws %d tickets, want 8", got)
	}
	b.quiet()
}

func TestBrowserFollowsTheBoard(t *testing.T) {
	b := openBrowser(t)
	board, text := sample(time.Now())
	served, server := serveBoard(t, board, text)
	b.open(server.URL())
	eval[any](b, `document.querySelector('.card[data-id="dc20hr"]').focus()`)
	// Meanwhile an agent starts a ticket.
	served.change(func(b *Board) {
		i := slices.IndexFunc(b.Tickets, func(t Ticket) bool { return t.ID == "dc20hr" })
		b.Tickets[i].Column, b.Tickets[i].Holder = InProgress, &Holder{"tester", Alive, time.Now()}
	})
	took := b.until("the card moves",
		`!!document.querySelector('.column.progress .card[data-id="dc20hr"]')`, servertest.Soon)
	if got := eval[string](b, `document.activeElement.dataset.id`); got != "dc20hr" {
		t.Errorf("the focus went to %q when the card moved", got)
	}
	if got := eval[string](b,
		`document.querySelector("#news").textContent`); got != "Retry webhooks with back-off: In progress" {
		t.Errorf("a screen reader is told %q", got)
	}
	// The time is the page's where one of three changes is shown in it: a machine that does other
	// things delays some.
	for n := 2; took > time.Second && n <= 3; n++ {
		title := fmt.Sprintf("Changed %d times", n)
		served.change(func(b *Board) { b.Tickets[0].Title = title })
		took = b.until("the title changes",
			"[...document.querySelectorAll(`.card h3`)].some(h => h.textContent === `"+title+"`)", servertest.Soon)
	}
	if took > time.Second {
		t.Errorf("the page showed the last of three changes after %s, want at most 1 s", took)
	}
	b.quiet()
}

func TestBrowserSearchAndKeys(t *testing.T) {
	b := openBrowser(t)
	board, text := sample(time.Now())
	_, server := serveBoard(t, board, text)
	b.open(server.URL())
	b.press("/")
	b.run(chromedp.KeyEvent("log-in audit"))
	b.until("the search finds", `document.querySelector("#found").textContent === "1 ticket"`,
		servertest.Soon)
	b.run(chromedp.KeyEvent("\r"))
	b.shown("#panel[open] h2")
	if got := eval[string](b, `document.querySelector("#panel").innerText`); !strings.Contains(got,
		"Audit the log-in") || !strings.Contains(got, "Log in with a passkey") {
		t.Errorf("the panel says %q", got)
	}
	b.run(chromedp.KeyEvent("\x1b"))
	b.until("Esc closes the panel", `!document.querySelector("#panel").open`, servertest.Soon)
	b.press("/")
	b.run(chromedp.KeyEvent("\x1b"))
	b.until("Esc ends the search", `document.querySelector("#results").hidden`, servertest.Soon)
	// What only stands in a text is found too.
	b.press("/")
	b.run(chromedp.KeyEvent("WebAuthn"))
	b.until("the search finds a word of a text",
		`document.querySelector("#results li a")?.dataset.id === "d5logi"`, servertest.Soon)
	b.press("Escape")
	// Without a pointer: from column to column, and into a ticket.
	eval[any](b, `document.activeElement.blur()`)
	for _, step := range []struct{ key, want string }{
		{"ArrowDown", "dc20hr"}, {"ArrowDown", "dc20j2"}, {"ArrowRight", "d5chec"}, {"ArrowUp",
			"d5logi"}, {"ArrowLeft", "dc20hr"}, {"ArrowUp", "dc20hr"},
	} {
		b.press(step.key)
		if got := eval[string](b, `document.activeElement.dataset.id ?? ""`); got != step.want {
			t.Fatalf("after %s the focus is on %q, want %q", step.key, got, step.want)
		}
	}
	b.quiet()
}

// A search that got no answer is made again while its words stand there.
func TestBrowserSearchAgain(t *testing.T) {
	b := openBrowser(t)
	board, text := sample(time.Now())
	served, server := serveBoard(t, board, text)
	served.change(func(*Board) { served.fails = 1 })
	b.open(server.URL())
	b.press("/")
	b.run(chromedp.KeyEvent("WebAuthn"))
	b.until("the search finds a word of a text",
		`document.querySelector("#results li a")?.dataset.id === "d5logi"`, servertest.Soon)
	served.change(func(*Board) {
		if served.fails > 0 {
			t.Error("no search has failed")
		}
	})
}

// TestBrowserPictures takes pictures for people to look at. PAGE_IMAGES=folder keeps all, and those
// of the documents are made by
//
//	PAGE_DOCS=1 go test ./internal/page -run BrowserPictures
func TestBrowserPictures(t *testing.T) {
	b := openBrowser(t)
	small, text := sample(time.Now())
	_, server := serveBoard(t, small, text)
	tickets := 1_000
	if longtest.Wanted() {
		tickets = 10_000
	}
	_, large := serveBoard(t, crowd(tickets, time.Now()),
		func(string) (Text, error) { return Text{Body: "# Title\n"}, nil })
	for _, p := range []struct {
		name, at, scheme string
		server           *Server
		width, height    int64
		document         bool
	}{
		{"board-light", "", "light", server, 1280, 600, true},
		{"board-dark", "", "dark", server, 1280, 600, true},
		{"board-narrow", "", "light", server, 420, 900, false},
		{"graph-light", "#graph", "light", server, 1280, 560, true},
		{"graph-dark", "#graph", "dark", server, 1280, 560, false},
		{"ticket-dark", "#t/d5logi", "dark", server, 1280, 800, true},
		{"board-large", "", "dark", large, 1440, 900, false},
		{"graph-large", "#graph", "light", large, 1440, 900, false},
		{"search-large", "#find/number%20421", "light", large, 1440, 600, false},
	} {
		b.look(p.width, p.height, p.scheme)
		b.run(chromedp.Navigate("about:blank"))
		b.open(p.server.URL() + p.at)
		if strings.HasPrefix(p.at, "#t/") {
			b.shown("#panel[open] .body")
		}
		if strings.HasPrefix(p.at, "#find/") {
			b.shown("#results a")
		}
		if wide := eval[int64](b, `document.documentElement.scrollWidth`); wide > p.width {
			t.Errorf("%s: the page is %d wide in a window of %d", p.name, wide, p.width)
		}
		picture := value(b, chromedp.CaptureScreenshot())
		image, err := png.Decode(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		colours := make(map[[3]uint32]bool)
		for y := 0; y < image.Bounds().Dy(); y += 2 {
			for x := 0; x < image.Bounds().Dx(); x += 2 {
				r, g, b, _ := image.At(x, y).RGBA()
				colours[[3]uint32{r, g, b}] = true
			}
		}
		if len(colours) < 50 {
			t.Errorf("%s shows %d colours: next to nothing", p.name, len(colours))
		}
		folder := os.Getenv("PAGE_IMAGES")
		if p.document && os.Getenv("PAGE_DOCS") != "" {
			folder = "../../docs/images"
		}
		if folder != "" {
			if err := os.WriteFile(filepath.Join(folder, p.name+".png"), picture,
				0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.quiet()
}

// TestBrowserHostileTickets: what stands in tickets is shown as text, on the live page and in the
// file.
func TestBrowserHostileTickets(t *testing.T) {
	b := openBrowser(t)
	board, text := hostileBoard(time.Now())
	_, server := serveBoard(t, board, text)
	file := filepath.Join(t.TempDir(), "board.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := board.WriteFile(f, text, &hostileReport); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{server.URL(), "file://" + file} {
		b.run(chromedp.Navigate(url))
		b.shown("#live")
		for _, view := range []string{"", "#graph", "#history", "#report", "#find/window",
			"#t/h0-0"} {
			eval[any](b, "location.hash = `"+view+"`")
			time.Sleep(50 * time.Millisecond) // for what a script would do
		}
		for _, i := range longtest.Sample(len(hostile)) {
			eval[any](b, fmt.Sprintf("location.hash = `#t/h%d-1`", i))
			b.until("the ticket is shown",
				fmt.Sprintf("document.querySelector(`#panel`).open && document.querySelector(`#panel .id`)?.textContent === `h%d-1`", i), servertest.Soon)
		}
		if eval[bool](b, `"pwned" in window`) {
			t.Errorf("%s: a script of a ticket ran", url)
		}
		const alien = `[...document.querySelectorAll("main *, #panel *")].filter(e => /^(SCRIPT|STYLE|IMG|IFRAME|FORM|META|LINK|OBJECT|EMBED|BASE)$/.test(e.tagName) ||
			[...e.attributes].some(a => /^on/.test(a.name) || a.name === "style" && !e.matches("svg.graph") || /^\s*(javascript|data):/i.test(a.value))).map(e => e.outerHTML.slice(0, 200)).join("\n")`
		if got := eval[string](b, alien); got != "" {
			t.Errorf("%s: elements that only a ticket can have brought: %s", url, got)
		}
		if wide := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			t.Errorf("%s: a ticket made the page %d wider than its window", url, wide)
		}
		if got := eval[string](b, `getComputedStyle(document.body).display`); got != "block" {
			t.Errorf("%s: a ticket's style applied: the page is %s", url, got)
		}
	}
	b.quiet()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, "http://"+server.hosts[0]) &&
			!strings.HasPrefix(r, "file://"+file) && r != "about:blank" {
			t.Errorf("a ticket made the page ask for %s", r)
		}
	}
}

// terminalPage is a page that looks as a terminal does that shows a text.
func terminalPage(text string) string {
	colours := map[string]string{"31": "#ff7b72", "32": "#4cc38a", "33": "#f0a84b", "34": "#7aa7ff",
		"35": "#b79cf5", "36": "#4fc7b8"}
	var body strings.Builder
	for i, part := range strings.Split(text, "\x1b[") {
		codes, rest, found := strings.Cut(part, "m")
		if i == 0 || !found {
			body.WriteString(html.EscapeString(part))
			continue
		}
		style := ""
		for _, code := range strings.Split(codes, ";") {
			switch {
			case code == "1":
				style += "font-weight:bold;"
			case code == "2":
				style += "color:#8b97a8;"
			case colours[code] != "":
				style += "color:" + colours[code] + ";"
			}
		}
		fmt.Fprintf(&body, `<span style="%s">%s</span>`, style, html.EscapeString(rest))
	}
	return `<!doctype html><meta charset="utf-8"><style>body{margin:0;background:#0d1118;color:#e8ecf3}
pre{margin:0;padding:18px 22px;font:14px/1.4 "DejaVu Sans Mono",Menlo,monospace}</style><pre>` + body.String() + "</pre>"
}

// TestBrowserTerminalPicture takes the picture of the board in a terminal.
func TestBrowserTerminalPicture(t *testing.T) {
	b := openBrowser(t)
	board, text := sample(time.Now())
	file := filepath.Join(t.TempDir(), "terminal.html")
	page := terminalPage(board.Print(Look{Width: 140, Colour: true}, text))
	if err := os.WriteFile(file, []byte(page), 0o666); err != nil {
		t.Fatal(err)
	}
	b.look(1240, 430, "dark")
	b.run(chromedp.Navigate("file://" + file))
	if wide := eval[int64](b, `document.documentElement.scrollWidth`); wide > 1240 {
		t.Errorf("140 columns are %d wide", wide)
	}
	picture := value(b, chromedp.CaptureScreenshot())
	for _, folder := range []string{os.Getenv("PAGE_IMAGES"),
		map[bool]string{true: "../../docs/images"}[os.Getenv("PAGE_DOCS") != ""]} {
		if folder != "" {
			if err := os.WriteFile(filepath.Join(folder, "terminal.png"), picture,
				0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.quiet()
}
