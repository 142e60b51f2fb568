//go:build etcd

package etcdtest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// Member is one server of a cluster. Its methods fail the test when the process does not do what
// they say; they are for one goroutine at a time.
type Member struct {
	t        testing.TB
	Name     string
	Endpoint string // for clients
	Dir      string // of its data

	program string
	flags   []string
	start   func(*exec.Cmd) error
	client  *http.Client // for health
	health  string       // its address
	status  *clientv3.Client
	cmd     *exec.Cmd
	input   io.Closer
	stderr  *servertest.Output
	paused  bool
}

// Runs reports whether the process is there and not paused.
func (m *Member) Runs() bool { return m.cmd != nil && !m.paused }

// Start starts the member again after Stop or Kill, on the same ports and data, and returns when it
// serves, for which a majority of the members must run.
func (m *Member) Start() {
	m.t.Helper()
	m.launch()
	m.await()
}

func (m *Member) launch() {
	m.t.Helper()
	if m.cmd != nil {
		m.t.Fatalf("%s runs already", m.Name)
	}
	cmd := exec.Command(m.program, m.flags...)
	m.stderr = &servertest.Output{}
	cmd.Stderr = m.stderr
	input, err := cmd.StdinPipe()
	if err == nil {
		err = m.start(cmd)
	}
	if err != nil {
		m.t.Fatalf("start %s: %v", m.Name, err)
	}
	m.cmd, m.input = cmd, input
	m.t.Cleanup(func() {
		if m.cmd == cmd {
			m.Kill()
		}
		if m.t.Failed() {
			m.t.Logf("%s said: %s", m.Name, tail(m.stderr.String(), 2000))
		}
	})
}

// tail is the end of a text.
func tail(text string, most int) string { return text[max(0, len(text)-most):] }

// await returns when the member serves reads that are linearizable.
func (m *Member) await() {
	m.t.Helper()
	late := time.Now().Add(Soon)
	for {
		err := m.ready()
		if err == nil {
			return
		}
		if time.Now().After(late) {
			m.t.Fatalf("%s does not serve after %s: %v\n%s", m.Name, Soon, err,
				tail(m.stderr.String(), 2000))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (m *Member) ready() error {
	answer, err := m.client.Get(m.health + "/readyz")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, err := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s, %v", answer.Status, text, err)
	}
	return nil
}

// Stop ends the member in order, as an operator does.
func (m *Member) Stop() { m.t.Helper(); m.end(syscall.SIGTERM) }

// Kill ends the member at once, also a paused one.
func (m *Member) Kill() { m.t.Helper(); m.end(syscall.SIGKILL) }

func (m *Member) end(how syscall.Signal) {
	m.t.Helper()
	m.signal(how)
	_ = m.cmd.Wait() // says how it was ended
	m.cmd, m.paused = nil, false
}

// Pause stops the process where it is, so that its connections stay and nothing answers. It waits
// until all threads have stopped: on a loaded machine they run on for a while after the signal.
func (m *Member) Pause() {
	m.t.Helper()
	m.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	_, err := syscall.Wait4(m.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	if err != nil || !status.Stopped() {
		m.t.Fatalf("wait until %s has stopped: status %v, %v", m.Name, status, err)
	}
	m.paused = true
}

// Continue ends a pause.
func (m *Member) Continue() { m.t.Helper(); m.signal(syscall.SIGCONT); m.paused = false }

func (m *Member) signal(s os.Signal) {
	m.t.Helper()
	if m.cmd == nil {
		m.t.Fatalf("%s does not run", m.Name)
	}
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatalf("send %s %v: %v", m.Name, s, err)
	}
}
