//go:build etcd

package etcd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

// Config says which board a process works on, and as whom.
type Config struct {
	ID     string // of the board
	Prefix string // of all boards of the cluster
	Access Access
	Now    func() time.Time // of journal rows and marks
	Host   string           // for people who read marks
	PID    int
	// QueueDir is where this machine's processes wait for each other; "" where they do not.
	QueueDir string
}

// Board is a shared board, as one process sees it. Its methods may be called by any number of
// goroutines.
type Board struct {
	Config
	keys
	process string // names this process, and no other
	client  *clientv3.Client
	// Shown is the folder that shows the tickets. It is set before the first call.
	Shown Shown
	locks flocker.Locks
	life  life
	marks *Marks
	epoch guard
}

// Shown is what a board needs to know of the folder that shows its tickets as files.
type Shown struct {
	Dir string
	// Revision is one up to which Dir shows every change: what the caller reads in Dir afterwards
	// is not older.
	Revision func() (int64, error)
	// Fresh returns once Dir shows every change that was answered before.
	Fresh func(context.Context) error
	// Reach returns once Dir shows every change up to the revision, which is one of the board's.
	Reach func(context.Context, int64) error
	// Reading runs a read of the cluster itself, unless it was cut off, and takes note where that
	// shows by its error; nil for running it.
	Reading func(ctx context.Context, read func(context.Context) error) error
	// Kept names files of Dir that were kept since it was last asked because somebody had changed
	// them; nil for none.
	Kept func() []string
}

// Open connects to a board. There must be one.
func Open(ctx context.Context, c Config) (*Board, error) {
	client, err := c.Access.dial()
	if err != nil {
		return nil, refused(err)
	}
	b := &Board{Config: c, keys: keysOf(c.Prefix, c.ID), process: rand.Text(), client: client}
	b.life.init()
	b.marks = &Marks{board: b}
	if err := b.look(ctx); err != nil {
		return nil, errors.Join(refused(err), client.Close())
	}
	return b, nil
}

const (
	// openTimeout bounds the first look at a cluster. A command that only reads goes on with the
	// mirror afterwards, within the 5 s of its call.
	openTimeout = 2 * time.Second
	// leaseTimeout bounds a try to take a lease again.
	leaseTimeout = 5 * time.Second
)

// look makes sure that there is a board, on a cluster that keeps what it promises.
func (b *Board) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), openTimeout)
	defer cancel()
	version := make(chan error, 1)
	go func() { version <- checkVersion(ctx, b.client) }()
	if err := b.readMeta(ctx); err != nil {
		return err
	}
	return <-version
}

// checkVersion refuses a member that may revoke leases early: 3.5 before 3.5.13, and all before
// 3.5.
func checkVersion(ctx context.Context, client *clientv3.Client) error {
	status, err := pb.NewMaintenanceClient(client.ActiveConnection()).Status(ctx,
		&pb.StatusRequest{})
	if err != nil {
		return fmt.Errorf("ask the cluster for its version: %w", clientv3.ContextError(ctx, err))
	}
	if old(status.Version) {
		return &oldError{status.Version}
	}
	return nil
}

// old reports whether a version is one that is refused. One that cannot be read is.
func old(version string) bool {
	var v [3]int
	core, _, _ := strings.Cut(version, "-")
	for i, part := range strings.SplitN(core, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return true
		}
		v[i] = n
	}
	return v[0] < 3 || v[0] == 3 && (v[1] < 5 || v[1] == 5 && v[2] < 13)
}

// oldError says that the cluster's members are too old.
type oldError struct{ version string }

func (e *oldError) Error() string {
	return fmt.Sprintf("a member of the cluster runs etcd %s, which may end leases too early",
		e.version)
}

// Dir is the folder that shows the tickets.
func (b *Board) Dir() string { return b.Shown.Dir }

// Fresh returns once Dir shows every change that was answered before the call.
func (b *Board) Fresh(ctx context.Context) error { return refused(b.Shown.Fresh(ctx)) }

// get is a linearizable Get, which shows whether the cluster goes on as it was.
func (b *Board) get(ctx context.Context, key string, opts ...clientv3.OpOption) (
	*clientv3.GetResponse, error) {
	since := b.epoch.since()
	resp, err := b.client.Get(ctx, key, opts...)
	if err != nil {
		return nil, err
	}
	return resp, b.epoch.see(since, resp.Header)
}

// Kept names files of Dir that somebody changed.
func (b *Board) Kept() []string {
	if b.Shown.Kept == nil {
		return nil
	}
	return b.Shown.Kept()
}

// Read returns what a ticket holds now, nil when there is none.
func (b *Board) Read(ctx context.Context, id string) ([]byte, error) {
	resp, err := b.see(ctx, b.ticket(id))
	if err != nil || len(resp.Kvs) == 0 {
		return nil, refused(err)
	}
	return content(resp.Kvs[0].Value), nil
}

// see is get for what only reads: also of a board that was restored, and without waiting where the
// cluster did not answer a moment ago.
func (b *Board) see(ctx context.Context, key string, opts ...clientv3.OpOption) (
	resp *clientv3.GetResponse, err error) {
	read := func(ctx context.Context) error {
		resp, err = b.get(ctx, key, opts...)
		if errors.Is(err, errRestored) {
			return nil
		}
		return err
	}
	if b.Shown.Reading == nil {
		err = read(ctx)
	} else {
		err = b.Shown.Reading(ctx, read)
	}
	return resp, err
}

// content is a ticket's bytes, not nil for a ticket that is empty.
func content(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// Exists returns fs.ErrNotExist, unwrapped, unless there is a ticket of that id now.
func (b *Board) Exists(ctx context.Context, id string) error {
	resp, err := b.see(ctx, b.ticket(id), clientv3.WithCountOnly())
	if err == nil && resp.Count == 0 {
		return fs.ErrNotExist
	}
	return refused(err)
}

// modOf is the revision of the one key in an answer, 0 where there is none.
func modOf(r *pb.RangeResponse) int64 {
	if len(r.Kvs) == 0 {
		return 0
	}
	return r.Kvs[0].ModRevision
}

// Close ends this process's part in the board, but for the marks of conversations that may go on in
// another process: see Marks.Leave.
func (b *Board) Close() error {
	return errors.Join(b.marks.Leave(), b.client.Close())
}

// guard sees to it that the cluster goes on as it was: that nobody restored an older copy of it.
type guard struct {
	mu       sync.Mutex
	cluster  uint64
	revision int64 // the highest one of a linearizable answer
	meta     meta
	mod      int64     // the revision of meta
	restored bool      // since meta was read
	heard    time.Time // when the cluster last answered
}

// errRestored says that the cluster is not the one that it was, or is back where it was before.
var errRestored = errors.New("the board was restored from a copy")

// since is what a linearizable answer to a question from now on cannot be behind.
func (g *guard) since() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.revision
}

// see takes note of an answer to a question that was asked after since.
func (g *guard) see(since int64, h *pb.ResponseHeader) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heard = time.Now()
	if h.ClusterId != g.cluster || h.Revision < since {
		g.restored = true
	}
	if g.restored {
		return errRestored
	}
	g.revision = max(g.revision, h.Revision)
	return nil
}

// reach takes note of a revision that was there, by other ways than a linearizable answer.
func (g *guard) reach(revision int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heard = time.Now()
	g.revision = max(g.revision, revision)
}

// answers reports whether the cluster has answered this process a moment ago: then a call whose
// time is used up has lost it to others, not to the way there.
func (g *guard) answers() bool {
	const moment = 500 * time.Millisecond
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Since(g.heard) < moment
}

// metaMod is the revision of meta as this process read it.
func (g *guard) metaMod() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mod
}

// readMeta reads meta: at the first look, where a transaction finds it changed, and after a
// restore, until somebody has given the board another epoch. Then this process begins again.
func (b *Board) readMeta(ctx context.Context) error {
	resp, err := b.client.Get(ctx, b.keys.meta())
	if err != nil {
		return err
	}
	if len(resp.Kvs) == 0 {
		return &noBoardError{b.ID}
	}
	m, err := decodeMeta(resp.Kvs[0].Value)
	if err != nil {
		return err
	}
	g := &b.epoch
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.restored {
		if m.Epoch == g.meta.Epoch {
			return errRestored
		}
		g.restored, g.revision = false, 0
		b.life.forget()
	}
	g.cluster, g.revision = resp.Header.ClusterId, max(g.revision, resp.Header.Revision)
	g.meta, g.mod = m, resp.Kvs[0].ModRevision
	if m.State != stateOpen {
		return errClosing
	}
	return nil
}

// unchanged makes sure that the board may be changed as far as this process knows.
func (b *Board) unchanged(ctx context.Context) error {
	b.epoch.mu.Lock()
	fine := !b.epoch.restored && b.epoch.meta.State == stateOpen
	b.epoch.mu.Unlock()
	if fine {
		return nil
	}
	return b.readMeta(ctx)
}

// errClosing says that the board is on its way back to a board of one machine.
var errClosing = errors.New("the board is being taken out of the cluster")

// noBoardError says that the cluster has no such board.
type noBoardError struct{ id string }

func (e *noBoardError) Error() string { return "the cluster has no board " + e.id }
