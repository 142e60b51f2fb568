//go:build etcd

package history_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// Shared boards: the same histories and checkers, with the server processes on several hosts and
// the tickets in a cluster of three members on three more. Members die, hosts are cut off and
// answers are lost meanwhile.

// machines are hosts for servers, and an etcd that they reach through proxies.
type machines struct {
	t       *testing.T
	net     *etcdtest.Network
	hosts   []*etcdtest.Host // for servers
	members []*etcdtest.Host
	cluster *etcdtest.Cluster
	client  *clientv3.Client
	proxies []*etcdtest.Proxy
	apart   bool // the clocks of the hosts for servers
}

func newMachines(t *testing.T, hosts int) *machines {
	t.Helper()
	const members = 3
	m := &machines{t: t, net: etcdtest.NewNetwork(t, hosts+members)}
	m.hosts, m.members = m.net.Hosts[:hosts], m.net.Hosts[hosts:]
	m.cluster = m.net.Cluster(m.members)
	m.client = m.cluster.Client()
	for _, member := range m.cluster.Members {
		m.proxies = append(m.proxies, m.cluster.Proxy(member))
	}
	return m
}

// sharedBoard is a board in the cluster, with a folder for it on each host.
type sharedBoard struct {
	*machines
	board.Shared
	laidOut map[string][]byte
}

func (s sharedBoard) key(rest string) string { return s.Prefix + "/" + s.ID + "/" + rest }

// share makes a board of tickets.
func (m *machines) share(tickets map[string]spec.Ticket, blockerKey string) sharedBoard {
	m.t.Helper()
	texts, err := textsOf(tickets, blockerKey)
	if err != nil {
		m.t.Fatal(err)
	}
	s := sharedBoard{m, board.NewShared(board.Etcd), texts}
	for id, text := range texts {
		m.put(s.key("t/"+id), string(text))
	}
	m.put(s.key("relations"), "")
	m.put(s.key("tip"), "")
	m.put(s.key("meta"), `{"format":1,"state":"open","epoch":1}`)
	for _, h := range m.hosts {
		dir := filepath.Join(h.Real, s.ID, ".tickets")
		if err := errors.Join(os.MkdirAll(dir, 0o777), board.WriteShared(dir, s.Shared),
			board.MakeGuard(dir)); err != nil {
			m.t.Fatal(err)
		}
	}
	return s
}

func (m *machines) put(key, value string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), etcdtest.Soon)
	defer cancel()
	if _, err := m.client.Put(ctx, key, value); err != nil {
		m.t.Fatal(err)
	}
}

// sites are the hosts, one after the other.
func (s sharedBoard) sites() (sites []site) {
	var endpoints []string
	for _, p := range s.proxies {
		endpoints = append(endpoints, p.Endpoint)
	}
	for _, h := range s.hosts {
		home := filepath.Join(h.Dir, "home")
		sites = append(sites, site{start: h.Start,
			args: []string{"--dir", filepath.Join(h.Dir, s.ID, ".tickets")},
			env: []string{"ETCDCTL_ENDPOINTS=" + strings.Join(endpoints, ","), "HOME=" + home,
				"XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_RUNTIME_DIR=" + home,
				"XDG_STATE_HOME=" + home, "XDG_DATA_HOME=" + home}})
	}
	if s.apart {
		setClocks(sites)
	}
	return sites
}

// texts are the tickets as they are in the cluster.
func (s sharedBoard) texts() (map[string][]byte, error) {
	resp, err := s.client.Get(s.t.Context(), s.key("t/"), clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{}
	for _, kv := range resp.Kvs {
		texts[strings.TrimPrefix(string(kv.Key), s.key("t/"))] = kv.Value
	}
	return texts, nil
}

// end reads how a history ended, from the tickets and the journal.
func (s sharedBoard) end(h *history, r *recorder) error {
	texts, err := s.texts()
	if err != nil {
		return err
	}
	rows, err := s.rows()
	if err != nil {
		return err
	}
	for _, row := range rows { // their times are those of the writers' clocks
		row.Time = row.Time.Add(-r.apart[keyIn(row.Actor)])
	}
	h.broken = append(h.settle(rows, r.began, r.now()), chainBroken(rows, s.laidOut, texts)...)
	h.readTickets(texts)
	return nil
}

// mourning is longer than any history: at any moment after its end a session may seem to live, as
// its marks outlive it, and longer when the leader changes.
const mourning = time.Hour

// trouble is done to machines, again and again, until stop is closed. What it did is undone then.
type trouble func(m *machines, dice *rand.Rand, stop <-chan struct{})

// playShared plays a load on a new board in the cluster, in trouble.
func (p play) playShared(m *machines, program string, seed uint64, troubles ...trouble) history {
	m.t.Helper()
	s := m.share(p.board, p.blockerKey)
	r := &recorder{program: program, sites: s.sites(), began: time.Now(), lag: mourning}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i, trouble := range troubles {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() { trouble(m, dice, stop) })
	}
	// Without trouble, too, a busy machine may not answer in all the time that a call has.
	h := history{before: p.board, reach: ticketfs.DefaultLockTimeout}
	if len(troubles) > 0 {
		h.reach = 1
	}
	func() {
		defer group.Wait()
		defer close(stop)
		h.entries = p.perform(m.t, r, seed)
	}()
	if err := s.end(&h, r); err != nil {
		m.t.Fatal(err)
	}
	return h
}

// pause waits for a moment; false when it is time to stop.
func pause(stop <-chan struct{}, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-stop:
		return false
	}
}

func between(dice *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(dice.Int64N(int64(most-least)))
}

// leaders moves the leader.
func leaders(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 200*time.Millisecond, time.Second)) {
		m.cluster.MoveLeader()
	}
}

// deaths kills a member, often the leader, and starts it again.
func deaths(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 500*time.Millisecond, 2*time.Second)) {
		member := m.cluster.Members[dice.IntN(len(m.cluster.Members))]
		if dice.IntN(2) == 0 {
			member = m.cluster.Leader()
		}
		member.Kill()
		pause(stop, between(dice, 0, 2*time.Second))
		member.Start()
	}
}

// cuts takes hosts off the network: one of the servers' or of the members'; or they are not heard.
func cuts(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 500*time.Millisecond, 2*time.Second)) {
		group := m.hosts
		if dice.IntN(3) == 0 {
			group = m.members
		}
		h := group[dice.IntN(len(group))]
		if dice.IntN(2) == 0 {
			m.net.Cut(h)
			pause(stop, between(dice, 0, 4*time.Second))
			m.net.Join(h)
			continue
		}
		h.Mute()
		pause(stop, between(dice, 0, 4*time.Second))
		h.Unmute()
	}
}

// losses loses answers of transactions after they were done.
func losses(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 10*time.Millisecond, 100*time.Millisecond)) {
		m.proxies[dice.IntN(len(m.proxies))].Lose(1)
	}
	for _, p := range m.proxies {
		p.Lose(0)
	}
}

// delays makes the way to a member long.
func delays(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 0, time.Second)) {
		p := m.proxies[dice.IntN(len(m.proxies))]
		p.Delay(between(dice, 0, 100*time.Millisecond))
		pause(stop, between(dice, 0, time.Second))
		p.Heal()
	}
}

// compactions forget all former revisions.
func compactions(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 50*time.Millisecond, 500*time.Millisecond)) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if resp, err := m.client.Get(ctx, "tip"); err == nil {
			_, _ = m.client.Compact(ctx, resp.Header.Revision) // the next one is as good
		}
		cancel()
	}
}

// fills lets the cluster have no space, and makes some again.
func fills(m *machines, dice *rand.Rand, stop <-chan struct{}) {
	alarm := func(action pb.AlarmRequest_AlarmAction) {
		ctx, cancel := context.WithTimeout(context.Background(), etcdtest.Soon)
		defer cancel()
		maintenance := pb.NewMaintenanceClient(m.client.ActiveConnection())
		if _, err := maintenance.Alarm(ctx, &pb.AlarmRequest{Action: action,
			Alarm: pb.AlarmType_NOSPACE}); err != nil {
			m.t.Errorf("alarm: %v", err)
		}
	}
	for pause(stop, between(dice, 200*time.Millisecond, time.Second)) {
		alarm(pb.AlarmRequest_ACTIVATE)
		pause(stop, between(dice, 0, time.Second))
		alarm(pb.AlarmRequest_DEACTIVATE)
	}
}

// sharedPlays are what a shared board goes through, with its troubles.
var sharedPlays = []struct {
	play
	troubles []trouble
	apart    bool // the clocks of the hosts
}{
	{play{name: "calm", board: family(16), sessions: 8, lanes: 2, calls: 40, lives: 1,
		choose: anything}, nil, false},
	{play{name: "killed", board: family(16), sessions: 8, lanes: 1, calls: 20, lives: 3,
		choose: anything}, nil, false},
	{play{name: "leaders", board: family(16), sessions: 8, lanes: 1, calls: 40, lives: 1,
		choose: anything}, []trouble{leaders, compactions}, false},
	{play{name: "deaths", board: family(16), sessions: 8, lanes: 1, calls: 40, lives: 1,
		choose: anything}, []trouble{deaths, delays}, false},
	{play{name: "cuts", board: family(16), sessions: 8, lanes: 1, calls: 40, lives: 1,
		choose: anything}, []trouble{cuts}, false},
	{play{name: "losses", board: family(16), sessions: 8, lanes: 1, calls: 40, lives: 1,
		choose: anything}, []trouble{losses}, false},
	{play{name: "full", board: family(16), sessions: 8, lanes: 1, calls: 40, lives: 1,
		choose: anything}, []trouble{fills}, false},
	{play{name: "clocks", board: family(16), sessions: 8, lanes: 1, calls: 20, lives: 2,
		choose: anything}, nil, true},
	{play: crowd}, {play: claims}, {play: rings}, {play: families}, {play: drops},
}

// An ordinary run has some of the plays, a long one all.
func TestShared(t *testing.T) {
	program := sharedServer(t)
	t.Parallel()
	m := newMachines(t, 4)
	for _, i := range longtest.Some(len(sharedPlays), 6) {
		tt := sharedPlays[i]
		t.Run(tt.name, func(t *testing.T) {
			program, m := program, m.in(t)
			if m.apart = tt.apart; m.apart {
				program = apartServer(t)
			}
			for _, seed := range seeds() {
				began := time.Now()
				h := tt.playShared(m, program, seed, tt.troubles...)
				took := time.Since(began)
				h.check(t, true)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
				t.Logf("%.1f s: %s", took.Seconds(), h.summary())
			}
		})
	}
}

// sharedServer is the program under test, for boards on several machines.
func sharedServer(t *testing.T) string {
	t.Helper()
	needProcesses(t)
	return servertest.Shared(t)
}

// in are the same machines, which fail another test.
func (m *machines) in(t *testing.T) *machines {
	other := *m
	other.t = t
	return &other
}
