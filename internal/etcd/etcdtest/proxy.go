//go:build etcd

package etcdtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Proxy stands between clients and a member. It passes bytes on until it is told otherwise.
type Proxy struct {
	Endpoint string // for clients

	way      way
	target   string
	listener net.Listener

	mu     sync.Mutex
	moved  *sync.Cond // something of what follows has changed
	delay  time.Duration
	silent bool // bytes stay here
	cut    bool // there are no connections
	lose   int  // answers to transactions
	lost   int
	links  map[*link]bool
}

// link is one connection through a proxy.
type link struct {
	client, server net.Conn

	mu   sync.Mutex
	txns map[uint32]bool // streams that carry a transaction
}

// Proxy is a new proxy in front of a member, which ends with the test.
func (c *Cluster) Proxy(m *Member) *Proxy {
	c.t.Helper()
	target, err := url.Parse(m.Endpoint)
	if err != nil {
		c.t.Fatal(err)
	}
	listener, err := c.way.listen("tcp", c.way.ip+":0")
	if err != nil {
		c.t.Fatal(err)
	}
	p := &Proxy{Endpoint: "http://" + listener.Addr().String(), way: c.way, target: target.Host,
		listener: listener, links: map[*link]bool{}}
	p.moved = sync.NewCond(&p.mu)
	var accepting sync.WaitGroup
	accepting.Go(p.accept)
	c.t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
		accepting.Wait()
	})
	return p
}

// Delay holds back each piece of either direction for so long.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Silence holds all bytes back, while connections stay and new ones are accepted, as a network does
// that drops packets.
func (p *Proxy) Silence() { p.set(func() { p.silent = true }) }

// Cut closes all connections and refuses new ones.
func (p *Proxy) Cut() {
	p.set(func() {
		p.cut = true
		for l := range p.links {
			l.close()
		}
	})
}

// Heal ends delay, silence and cut.
func (p *Proxy) Heal() { p.set(func() { p.delay, p.silent, p.cut = 0, false, false }) }

// Lose loses the answers of the next n transactions: each is done when its connection breaks.
func (p *Proxy) Lose(n int) { p.set(func() { p.lose = n }) }

// Lost is how many answers were lost so far.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.moved.Broadcast()
}

func (p *Proxy) accept() {
	var passing sync.WaitGroup
	defer passing.Wait()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed: the test is over
		}
		passing.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), Soon)
	server, err := p.way.dial(ctx, "tcp", p.target)
	cancel()
	if err != nil {
		_ = client.Close() // the member is down, and so are we
		return
	}
	l := &link{client: client, server: server, txns: map[uint32]bool{}}
	p.set(func() {
		if p.links[l] = true; p.cut {
			l.close()
		}
	})
	var both sync.WaitGroup
	both.Go(func() { defer l.close(); p.passRequests(l) })
	both.Go(func() {
		defer l.close()
		p.pass(server, client, nil, func(f http2.Frame) bool { return !p.loses(l, f) })
	})
	both.Wait()
	p.set(func() { delete(p.links, l) })
}

func (l *link) close() {
	_ = l.client.Close() // an error says that it is closed, which is all we want
	_ = l.server.Close()
}

func (p *Proxy) passRequests(l *link) {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(l.client, preface); err != nil || !p.through() {
		return
	}
	if _, err := l.server.Write(preface); err != nil {
		return
	}
	p.pass(l.client, l.server, hpack.NewDecoder(4096, nil), l.note)
}

// pass passes frames on, as they came, until one of the ends is closed or look refuses one.
func (p *Proxy) pass(from io.Reader, to io.Writer, headers *hpack.Decoder,
	look func(http2.Frame) bool) {
	var raw bytes.Buffer
	frames := http2.NewFramer(io.Discard, io.TeeReader(from, &raw))
	frames.ReadMetaHeaders = headers
	for {
		frame, err := frames.ReadFrame()
		if err != nil || !look(frame) || !p.through() {
			return
		}
		if _, err := to.Write(raw.Bytes()); err != nil {
			return
		}
		raw.Reset()
	}
}

// note remembers which streams carry a transaction.
func (l *link) note(frame http2.Frame) bool {
	h, ok := frame.(*http2.MetaHeadersFrame)
	if ok && h.PseudoValue("path") == "/etcdserverpb.KV/Txn" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.txns[h.StreamID] = true
	}
	return true
}

// loses reports whether a frame is an answer that has to be lost.
func (p *Proxy) loses(l *link, frame http2.Frame) bool {
	switch frame.(type) {
	case *http2.HeadersFrame, *http2.DataFrame:
	default:
		return false // as a window update, which says nothing about the outcome
	}
	l.mu.Lock()
	txn := l.txns[frame.Header().StreamID]
	l.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !txn || p.lose == 0 {
		return false
	}
	p.lose--
	p.lost++
	return true
}

// through returns when a piece may go on, false when the connection is cut.
func (p *Proxy) through() bool {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	time.Sleep(delay)
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.silent && !p.cut {
		p.moved.Wait()
	}
	return !p.cut
}
