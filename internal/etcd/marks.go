//go:build etcd

package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// mark is what a process says of a conversation that it serves. The key names the process's lease,
// so each process has its own, and the mark ends with the process. It is for people, but for
// Process and Left.
type mark struct {
	// Process is drawn by each: by it a process knows a mark of its own under a former lease.
	Process string   `json:"process,omitempty"`
	Host    string   `json:"host,omitempty"`
	PID     int      `json:"pid,omitempty"`
	Client  string   `json:"client,omitempty"`
	Agent   string   `json:"agent,omitempty"`  // the conversation's own name in claims
	Former  []string `json:"former,omitempty"` // and those that it had before
	// Since is when the process signed, by its own clock.
	Since time.Time `json:"since"`
	// Left says that the process has ended in order: the conversation lives for a moment longer, and
	// the next process that has its name may be it.
	Left bool `json:"left,omitempty"`
}

// names are those by which the conversation was called, less the one that it has now.
func (m mark) names(now string) []string {
	const most = 4
	var names []string
	for _, name := range append([]string{m.Agent}, m.Former...) {
		if name != "" && name != now && name == session.AgentName(name) &&
			!slices.Contains(names, name) && len(names) < most {
			names = append(names, name)
		}
	}
	return names
}

// decodeMark reads what stands under the key of a mark. It is the key that shows life.
func decodeMark(value []byte) mark {
	var m mark
	if json.Unmarshal(value, &m) != nil {
		return mark{}
	}
	return m
}

// putMark signs a conversation with a lease.
func (b *Board) putMark(l *lease, conversation string, m mark) clientv3.Op {
	text, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("encode mark: %v", err)) // texts, a number and a time
	}
	return clientv3.OpPut(b.mark(conversation, l.name()), string(text), clientv3.WithLease(l.id))
}

// Marks show in the cluster that the conversations which this process serves live: one mark for
// each, all under the process's one lease. A conversation lives while there is any mark of it. It
// implements session.Marks.
type Marks struct {
	board *Board
	// seen are all marks, for those who ask about many conversations in one call.
	seen  map[string][]*mvccpb.KeyValue
	until time.Time // for which seen is good
	asked int       // conversations, in this call
}

// Marks are those of this process, always the same.
func (b *Board) Marks() *Marks { return b.marks }

const (
	// markTimeout bounds what is asked of the cluster about who lives.
	markTimeout = 5 * time.Second
	// seenFor is how long an answer about all conversations is good within one call.
	seenFor = 100 * time.Millisecond
	// fewAsked is how many conversations are asked for one by one in a call.
	fewAsked = 2
)

func bound() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), markTimeout)
}

// Serve makes sure that this process has a mark of a conversation: with claim in any case, without
// only where there is one of another process already. With alone, a mark of another process that
// has not ended is errTwin, also of one that signs at the same moment.
func (m *Marks) Serve(conversation string, call session.Call, claim, alone bool) error {
	b := m.board
	m.seen, m.asked = nil, 0 // another call
	ctx, cancel := bound()
	defer cancel()
	if done, err := b.served(ctx, conversation, call, claim); done || err != nil {
		return refused(err)
	}
	if err := b.life.lock(ctx); err != nil {
		return refused(err)
	}
	defer b.life.unlock()
	l, err := b.leaseInTurn(ctx)
	if err != nil {
		return refused(err)
	}
	b.life.mu.Lock()
	next := b.newMark(b.life.marks[conversation], call)
	_, signed := b.life.marks[conversation]
	b.life.mu.Unlock()
	var made bool
	if signed {
		made, err = true, b.putAll(ctx, []clientv3.Op{b.putMark(l, conversation, next)})
	} else {
		made, err = b.signFirst(ctx, l, conversation, next, claim, alone)
	}
	if err != nil {
		return refused(err)
	}
	b.life.mu.Lock()
	defer b.life.mu.Unlock()
	if made {
		b.life.marks[conversation] = next
	}
	b.life.absent[conversation] = !made
	return nil
}

// served reports whether there is nothing to do for a conversation: this process has a mark which
// says what it should, or there is none to join. That is asked once, when the conversation first
// calls: what it claimed before is not kept for it any more.
func (b *Board) served(ctx context.Context, conversation string, call session.Call, claim bool) (
	bool, error) {
	lives := b.life.current() != nil
	b.life.mu.Lock()
	m, signed := b.life.marks[conversation]
	absent := b.life.absent[conversation]
	b.life.mu.Unlock()
	if signed || claim || absent {
		return !signed && !claim || signed && lives && m.Client == call.Client &&
			m.Agent == call.Agent, nil
	}
	resp, err := b.see(ctx, b.keys.marks(conversation), clientv3.WithPrefix(),
		clientv3.WithCountOnly())
	if err != nil || resp.Count > 0 {
		return false, err
	}
	b.life.mu.Lock()
	defer b.life.mu.Unlock()
	b.life.absent[conversation] = true
	return true, nil
}

func (b *Board) newMark(former mark, call session.Call) mark {
	return mark{Process: b.process, Host: b.Host, PID: b.PID, Client: call.Client, Agent: call.Agent,
		Former: former.names(call.Agent), Since: b.Now().UTC()}
}

// signFirst makes this process's first mark of a conversation.
func (b *Board) signFirst(ctx context.Context, l *lease, conversation string, next mark, claim,
	alone bool) (made bool, err error) {
	for {
		since := b.epoch.since()
		resp, err := b.get(ctx, b.keys.marks(conversation), clientv3.WithPrefix())
		if err != nil {
			return false, err
		}
		others := marksBut(resp.Kvs, b.mark(conversation, l.name()))
		if len(others) == 0 && !claim {
			return false, nil
		}
		for _, other := range others {
			if alone && !other.Left && other.Process != b.process {
				return false, session.ErrTwin
			}
			next.Former = mark{Agent: other.Agent,
				Former: append(other.Former, next.Former...)}.names(next.Agent)
		}
		var ifs []clientv3.Cmp
		if alone { // nobody signed since the look
			ifs = append(ifs, clientv3.Compare(clientv3.ModRevision(b.keys.marks(conversation)).
				WithPrefix(), "<", max(since, resp.Header.Revision)+1))
		}
		done, err := b.underMeta(ctx, ifs, []clientv3.Op{b.putMark(l, conversation, next)}, nil)
		if err != nil {
			return false, err
		}
		if done.Succeeded {
			return true, nil
		}
	}
}

// marksBut are the marks in an answer, but for one.
func marksBut(kvs []*mvccpb.KeyValue, own string) []mark {
	var others []mark
	for _, kv := range kvs {
		if string(kv.Key) != own {
			others = append(others, decodeMark(kv.Value))
		}
	}
	return others
}

// Drop takes this process's mark of a conversation away, as after a start that was refused.
func (m *Marks) Drop(conversation string) error {
	b := m.board
	ctx, cancel := bound()
	defer cancel()
	if err := b.life.lock(ctx); err != nil {
		return refused(err)
	}
	defer b.life.unlock()
	b.life.mu.Lock()
	l := b.life.lease
	_, signed := b.life.marks[conversation]
	delete(b.life.marks, conversation)
	b.life.mu.Unlock()
	if !signed || l == nil {
		return nil
	}
	_, err := b.client.Delete(ctx, b.mark(conversation, l.name()))
	return refused(err)
}

// Probe tells of a conversation by its marks, as they are now. Dead is proven: there is none.
// Unknown is only what the cluster could not be asked.
func (m *Marks) Probe(conversation string) session.Holder {
	b := m.board
	h := session.Holder{Claim: session.Claim{Key: conversation}, Life: session.Unknown}
	kvs, err := m.marksOf(conversation)
	if err != nil {
		return h
	}
	h.Life = session.Dead
	own := ""
	if l := b.life.current(); l != nil {
		own = b.mark(conversation, l.name())
	}
	for _, kv := range kvs {
		h.Life = session.Alive
		signed := decodeMark(kv.Value)
		h.Agents = append(h.Agents, signed.names("")...)
		if string(kv.Key) != own && signed.Agent != "" && !signed.Left {
			h.Elsewhere = append(h.Elsewhere, signed.Agent)
		}
		if signed.Host == b.Host && !signed.Left {
			h.PID = signed.PID
		}
	}
	return h
}

// marksOf are the marks of a conversation, as they are since this call began.
func (m *Marks) marksOf(conversation string) ([]*mvccpb.KeyValue, error) {
	b := m.board
	if m.seen != nil && b.Now().Before(m.until) {
		return m.seen[conversation], nil
	}
	ctx, cancel := bound()
	defer cancel()
	if m.asked++; m.asked <= fewAsked {
		resp, err := b.see(ctx, b.keys.marks(conversation), clientv3.WithPrefix())
		if err != nil {
			return nil, err
		}
		return resp.Kvs, nil
	}
	resp, err := b.see(ctx, b.sessions(), clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	m.seen, m.until = make(map[string][]*mvccpb.KeyValue), b.Now().Add(seenFor)
	for _, kv := range resp.Kvs {
		of, _, _ := strings.Cut(strings.TrimPrefix(string(kv.Key), b.sessions()), "/")
		m.seen[of] = append(m.seen[of], kv)
	}
	return m.seen[conversation], nil
}

// Grace is 0: what a conversation held is kept for it by its marks, which outlive its process.
func (m *Marks) Grace(session.Holder) time.Duration { return 0 }

// Leave ends this process's part in order: its marks last for a moment longer, so that a client
// which restarts it keeps its claims; everything else of it goes at once.
func (m *Marks) Leave() error {
	b := m.board
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := b.life.lock(ctx); err != nil {
		return refused(err)
	}
	defer b.life.unlock()
	b.life.mu.Lock()
	l, marks := b.life.lease, b.life.marks
	b.life.lease, b.life.marks, b.life.ended = nil, make(map[string]mark), true
	b.life.mu.Unlock()
	if l == nil || !l.alive() {
		return nil
	}
	err := b.moveMarks(ctx, marks)
	if err == nil {
		_, err = l.keeper.Revoke(ctx, l.id)
	}
	return errors.Join(refused(err), l.keeper.Close())
}

// moveMarks signs again what a process signed, with a lease that nobody keeps alive.
func (b *Board) moveMarks(ctx context.Context, marks map[string]mark) error {
	if len(marks) == 0 {
		return nil
	}
	granted, err := b.client.Grant(ctx, restartTime)
	if err != nil {
		return fmt.Errorf("leave marks behind: %w", err)
	}
	last := &lease{id: granted.ID}
	var puts []clientv3.Op
	for conversation, m := range marks {
		m.Left = true
		puts = append(puts, b.putMark(last, conversation, m))
	}
	return b.putAll(ctx, puts)
}

// signAgain makes this process's mark of a conversation, which somebody took away or which went
// with its lease. Of a conversation that this process does not serve, it is for its server to do.
func (b *Board) signAgain(ctx context.Context, conversation string) error {
	if err := b.life.lock(ctx); err != nil {
		return err
	}
	defer b.life.unlock()
	b.life.mu.Lock()
	m, signed := b.life.marks[conversation]
	b.life.mu.Unlock()
	if !signed {
		return &ruledError{session.ErrNoSession}
	}
	l, err := b.leaseInTurn(ctx)
	if err != nil {
		return err
	}
	return b.putAll(ctx, []clientv3.Op{b.putMark(l, conversation, m)})
}
