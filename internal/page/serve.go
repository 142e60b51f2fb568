package page

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/report"
)

// Source is where a live page has its board from.
type Source struct {
	Board func() (*Board, error)        // as it is now
	Text  func(id string) (Text, error) // of one ticket, as it is now
	// returns when something may have changed; false when ctx is done
	Wait func(ctx context.Context) bool
	// Find returns the ids of tickets whose texts have all words of a query.
	Find   func(ctx context.Context, query string) ([]string, error)
	Report func(ctx context.Context) (report.Report, error)
}

const (
	maxStreams = 64 // pages that are open at a time
	heartbeat  = 15 * time.Second
	writeTime  = 10 * time.Second
	headTime   = 5 * time.Second
	// between two pictures of a board that changes all the time
	restBetween = 100 * time.Millisecond
)

// Server shows a board on loopback, for reading only. Who has not the URL sees nothing: it holds a
// secret. A page elsewhere cannot reach it by another name of this machine, since the Host of each
// request is checked.
type Server struct {
	source Source
	token  string
	hosts  []string

	taking sync.Mutex // one picture at a time

	mu      sync.Mutex
	state   state
	streams map[chan struct{}]bool
	watched chan struct{} // closed when there is a stream
}

// icon stands in the browser's tab.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">
<rect x="1" y="2" width="5" height="16" rx="1.5" fill="#2563eb"/>
<rect x="7.5" y="2" width="5" height="11" rx="1.5" fill="#16a34a"/>
<rect x="14" y="2" width="5" height="6" rx="1.5" fill="#d97706"/>
</svg>`

// state is a board with what is sent of it.
type state struct {
	board    *Board
	version  string
	fragment []byte
	fault    string
}

// NewServer returns the server for a listener on loopback; URL tells where it is.
func NewServer(l net.Listener, source Source) (*Server, error) {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("serve the board: %s is not on loopback", l.Addr())
	}
	hosts := []string{addr.String(), fmt.Sprintf("localhost:%d", addr.Port)}
	return &Server{source: source, token: rand.Text(), hosts: hosts,
		streams: make(map[chan struct{}]bool), watched: make(chan struct{})}, nil
}

// Serve shows the board as a live page until ctx is done. announce is told the page's URL.
func (k *Taker) Serve(ctx context.Context, port int, announce func(url string) error) error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("serve the board: %w", err)
	}
	server, err := NewServer(l, Source{Board: k.Board, Text: k.Text, Wait: k.Wait, Find: k.Find,
		Report: k.Report})
	if err == nil {
		err = announce(server.URL())
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return server.Serve(ctx, l)
}

// URL is where the page is to be seen, with its secret.
func (s *Server) URL() string { return "http://" + s.hosts[0] + "/" + s.token + "/" }

// Serve answers until ctx is done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: headTime, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		BaseContext:    func(net.Listener) context.Context { return ctx }}
	go s.watch(ctx)
	// streams never end by themselves
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the board: %w", err)
	}
	return nil
}

// ServeHTTP checks what every request must have, then answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		// for the icon
		"Content-Security-Policy": contentPolicy() +
			"; img-src 'self'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer", // the URL is the secret
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cache-Control":                "no-store",
	} {
		w.Header().Set(name, value)
	}
	if !s.ourHost(r.Host) {
		http.Error(w, "this page is served under another name", http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the board is for reading only", http.StatusMethodNotAllowed)
		return
	}
	token, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !found || subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
		http.Error(w, "not found: open the whole URL that ticket-mcp board printed",
			http.StatusNotFound)
		return
	}
	name, id, _ := strings.Cut(rest, "/")
	switch {
	case rest == "":
		s.servePage(w)
	case rest == "icon.svg":
		send(w, "image/svg+xml", []byte(icon))
	case rest == "board":
		s.serveFragment(w)
	case rest == "index.json":
		s.serveIndex(w)
	case rest == "find":
		s.serveFind(w, r)
	case rest == "report":
		s.serveReport(w, r)
	case rest == "events":
		s.serveEvents(w, r)
	case name == "ticket" && id != "":
		s.serveTicket(w, id)
	default:
		http.NotFound(w, r)
	}
}

// ourHost keeps out pages whose name was made to lead here (DNS rebinding).
func (s *Server) ourHost(host string) bool {
	for _, ours := range s.hosts {
		if strings.EqualFold(host, ours) {
			return true
		}
	}
	return false
}

// look takes a new picture of the board and reports whether it differs from the one before.
func (s *Server) look() (st state, changed bool) {
	s.taking.Lock()
	defer s.taking.Unlock()
	st, err := s.picture()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		changed = s.state.fault != err.Error()
		s.state.fault = err.Error()
		return s.state, changed
	}
	changed = s.state.version != st.version || s.state.fault != ""
	s.state = st
	return st, changed
}

// now is the board as it is known: while a page is open, it is kept up to date.
func (s *Server) now() state {
	s.mu.Lock()
	st, kept := s.state, len(s.streams) > 0
	s.mu.Unlock()
	if st.board == nil || !kept {
		st, _ = s.look()
	}
	return st
}

const noVersion = ` data-version=""`

// picture renders the board. Its version is the hash of what is seen, but for ages, which the page
// counts by itself.
func (s *Server) picture() (state, error) {
	b, err := s.source.Board()
	if err != nil {
		return state{}, err
	}
	at := b.At
	b.At = time.Time{}
	fragment, err := b.fragment("", s.source.Text)
	b.At = at
	if err != nil {
		return state{}, err
	}
	sum := sha256.Sum256(fragment)
	version := hex.EncodeToString(sum[:8])
	return state{board: b, version: version,
		fragment: bytes.Replace(fragment, []byte(noVersion), []byte(` data-version="`+version+`"`),
			1)}, nil
}

// watch takes a picture whenever something may have changed and somebody looks, and tells those who
// look.
func (s *Server) watch(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		watched := s.watched
		s.mu.Unlock()
		select {
		case <-watched:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		if _, changed := s.look(); changed {
			s.mu.Lock()
			for stream := range s.streams {
				select {
				case stream <- struct{}{}:
				default: // it was told already and has not looked yet
				}
			}
			s.mu.Unlock()
		}
		// A large board that never rests must not keep a processor busy.
		if !sleep(ctx, max(restBetween, 2*time.Since(began))) || !s.source.Wait(ctx) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) servePage(w http.ResponseWriter) {
	st, _ := s.look()
	if st.board == nil {
		http.Error(w, st.fault, http.StatusServiceUnavailable)
		return
	}
	page, err := st.board.livePage(st.version, s.source.Text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "text/html; charset=utf-8", page)
}

func (s *Server) serveFragment(w http.ResponseWriter) {
	st := s.now()
	send(w, "text/html; charset=utf-8", st.fragment)
}

func (s *Server) serveIndex(w http.ResponseWriter) {
	st := s.now()
	if st.board == nil {
		http.Error(w, st.fault, http.StatusServiceUnavailable)
		return
	}
	text, err := json.Marshal(st.board.index())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "application/json", text)
}

func (s *Server) serveFind(w http.ResponseWriter, r *http.Request) {
	const longest = 200
	query := r.URL.Query().Get("q")
	if query == "" || len(query) > longest {
		http.Error(w, "no query, or too long a one", http.StatusBadRequest)
		return
	}
	ids, err := s.source.Find(r.Context(), query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text, err := json.Marshal(ids)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "application/json", text)
}

func (s *Server) serveReport(w http.ResponseWriter, r *http.Request) {
	happened, err := s.source.Report(r.Context())
	var out bytes.Buffer
	if err == nil {
		err = templates().ExecuteTemplate(&out, "report", viewReport(happened))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "text/html; charset=utf-8", out.Bytes())
}

func (s *Server) serveTicket(w http.ResponseWriter, id string) {
	st := s.now()
	if st.board == nil {
		http.Error(w, st.fault, http.StatusServiceUnavailable)
		return
	}
	v, found := st.board.ticketView(id, s.source.Text)
	if !found {
		http.Error(w, "no such ticket", http.StatusNotFound)
		return
	}
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, "ticket", v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "text/html; charset=utf-8", out.Bytes())
}

func send(w http.ResponseWriter, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text) // whoever went away does not want it
}

// serveEvents tells a page each version of the board, as server-sent events, until the page goes.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	stream := make(chan struct{}, 1)
	if !s.addStream(stream) {
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer s.removeStream(stream)
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	say := func(text string) bool {
		// a writer without deadlines waits longer
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := w.Write([]byte(text))
		return err == nil && control.Flush() == nil
	}
	for message := s.event(); say(message); {
		select {
		case <-stream:
			message = s.event()
		case <-beat.C:
			message = ": still here\n\n"
		case <-r.Context().Done():
			return
		}
	}
}

// event is what a page is told of the state.
func (s *Server) event() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.fault != "" {
		return "event: fault\ndata: " + line(s.state.fault, maxTitle) + "\n\n"
	}
	return "event: board\ndata: " + s.state.version + "\n\n"
}

func (s *Server) addStream(stream chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.streams) >= maxStreams {
		return false
	}
	if len(s.streams) == 0 {
		close(s.watched)
	}
	s.streams[stream] = true
	return true
}

func (s *Server) removeStream(stream chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, stream)
	if len(s.streams) == 0 {
		s.watched = make(chan struct{})
	}
}
