package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

const lockExt = ".lock"

// Folder holds one file for each session that ever claimed a ticket.
const Folder = ".sessions"

// twinWait is how long a session waits for a lock of its own name before it takes another name: long enough for the former
// server of a client that restarts it to finish its last answers.
const twinWait = time.Second

// Session is who this process is to the others. A stdio server is one process for one client session, so the process mints the
// identity: no caller can forget it, and two sessions never share one.
//
// That a session lives is a fact of the kernel: it holds an exclusive lock on its file in .sessions from before its first claim
// until the process ends, however it ends. So there are no heartbeats, and no time after which a living owner loses a ticket.
type Session struct {
	Now func() time.Time

	locks flocker.Locks

	mu     sync.Mutex
	key    string
	client string // its name, for people who look into the file
	dir    string // the ticket folder where lock is held
	Lock   *flocker.Lock
}

// NewSession mints an identity: from id, which a client keeps over a restart of the server, else at random.
func NewSession(id string, now func() time.Time) *Session {
	if id == "" {
		id = rand.Text()
	}
	return &Session{Now: now, key: SessionKey(id)}
}

// Key is the session's key, as it stands in claims and names the session's file.
func (s *Session) Key() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

// SetClient names the client program, for people who look into the session's file.
func (s *Session) SetClient(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = name
}

func SessionKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[:12]
}

// Settle makes sure that this process holds its session's lock in the ticket folder dir, and returns the session's key. It
// takes a new identity when another living process has the same one, which happens when a client is started from the shell of
// another.
func (s *Session) Settle(ctx context.Context, dir string) (key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Lock != nil && s.dir == dir && s.Lock.Check() == nil {
		return s.key, nil
	}
	if err := makeSessions(dir); err != nil {
		return "", err
	}
	if s.Lock != nil {
		// Of a folder that is no longer ours, or of a file that was removed: either way nobody can see it.
		if err := s.Lock.Unlock(); err != nil {
			return "", err
		}
		s.Lock = nil
	}
	lock, err := s.acquire(ctx, dir)
	var twin *flocker.BusyError
	if errors.As(err, &twin) && ctx.Err() == nil {
		s.key = SessionKey(rand.Text())
		lock, err = s.acquire(ctx, dir)
	}
	if err != nil {
		return "", err
	}
	if err := s.sign(dir); err != nil {
		return "", errors.Join(err, lock.Unlock())
	}
	s.Lock, s.dir = lock, dir
	return s.key, nil
}

func (s *Session) acquire(ctx context.Context, dir string) (*flocker.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, twinWait)
	defer cancel()
	return s.locks.Acquire(ctx, Path(dir, s.key))
}

func Path(dir, key string) string {
	return filepath.Join(dir, Folder, key+lockExt)
}

func makeSessions(dir string) error {
	path := filepath.Join(dir, Folder)
	err := os.Mkdir(path, 0o777)
	if errors.Is(err, fs.ErrExist) {
		// A link could lead outside the ticket folder.
		if info, err := os.Lstat(path); err != nil || !info.IsDir() {
			return errors.Join(err, &durable.NotFolderError{Name: Folder})
		}
		return nil
	}
	if err != nil {
		return err
	}
	return durable.SyncPath(dir)
}

// mark is what a session's file says.
type mark struct {
	PID    int       `json:"pid"`
	Host   string    `json:"host"`
	Boot   string    `json:"boot"`
	Client string    `json:"client,omitempty"`
	Since  time.Time `json:"since"`
}

// sign writes the session's file, under its lock, and makes it durable: after a power loss it is what tells that the owner of
// a claim is dead rather than unknown.
func (s *Session) sign(dir string) (err error) {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	text, err := json.Marshal(mark{PID: os.Getpid(), Host: host, Boot: bootID(), Client: s.client, Since: s.Now().UTC()})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(Path(dir, s.key), os.O_WRONLY|os.O_TRUNC|durable.NoFollow, 0)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	if _, err := f.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write session file: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write session file: %w", err)
	}
	return durable.SyncPath(filepath.Join(dir, Folder))
}

// Life is what can be told of the holder of a ticket.
type Life string

const (
	Mine    Life = "mine"    // this session
	Alive   Life = "alive"   // its process holds its session's lock
	Dead    Life = "dead"    // its file is here, of this host, and its lock is free
	Unknown Life = "unknown" // no session named, no file, or another host's: it may live where we cannot see it
)

// Life tells whether the session that a claim names lives. It never says Dead without proof.
func (s *Session) Life(dir, claim string) (Life, error) {
	key := KeyOf(claim)
	if key == "" {
		return Unknown, nil
	}
	s.mu.Lock()
	own, settled := key == s.key, s.Lock != nil && s.dir == dir
	s.mu.Unlock()
	if own && settled {
		return Mine, nil
	}
	path := Path(dir, key)
	held, err := flocker.Held(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Unknown, nil
	case err != nil:
		return Unknown, fmt.Errorf("probe session of %s: %w", claim, err)
	case held:
		return Alive, nil
	case own:
		return Mine, nil // of the former server of the same client session
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Unknown, nil
	}
	var m mark
	host, hostErr := os.Hostname()
	if json.Unmarshal(text, &m) != nil || hostErr != nil || m.Host != host {
		return Unknown, nil
	}
	return Dead, nil
}

// Claim is the text that stands in a ticket for its holder: a readable name and the session's key.
func Claim(agent, key string) string {
	return AgentName(agent) + "@" + key
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// AgentName reduces a name to what can stand in a claim.
func AgentName(name string) string {
	const most = 32
	name = strings.Trim(notInNames.ReplaceAllString(name, "-"), "-.")
	if len(name) > most {
		name = name[:most]
	}
	if name == "" {
		return "agent"
	}
	return name
}

var keyForm = regexp.MustCompile(`@([0-9a-f]{12})$`)

// claimKey is the key of the session that a claim names, "" if it names none.
func KeyOf(claim string) string {
	if m := keyForm.FindStringSubmatch(claim); m != nil {
		return m[1]
	}
	return ""
}
