package page

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/report"
)

// Save writes the board as a page into a file. Whoever reads the file meanwhile sees the old page
// or the new one. A device or a pipe is written to and never replaced, and a link stays one.
func (b *Board) Save(path string, text func(id string) (Text, error),
	r *report.Report) (err error) {
	var page bytes.Buffer
	if err := b.WriteFile(&page, text, r); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return saveInto(path, page.Bytes())
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".board-*.html")
	if err != nil {
		return fmt.Errorf("save the board: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("save the board: %w", err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(page.Bytes())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Chmod(f.Name(), 0o644); err != nil { // a page to pass on
		return err
	}
	return os.Rename(f.Name(), path)
}

func saveInto(path string, page []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("save the board: %w", err)
	}
	_, err = f.Write(page)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("save the board: %w", err)
	}
	return nil
}

// Browse opens a page in the person's browser. The URL holds a secret that others could read in the
// browser's command line, so the browser gets a file that leads there, which the person alone may
// read and which is gone after a while.
func Browse(url string) error {
	program := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		program = []string{"open"}
	case "windows":
		program = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("no browser was opened: there is no display here")
		}
	}
	f, err := os.CreateTemp("", "ticket-mcp-*.html") // for its owner alone
	if err != nil {
		return fmt.Errorf("open a browser: %w", err)
	}
	const there = "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url=%s\"><title>tickets</title>\n"
	_, err = fmt.Fprintf(f, there, template.HTMLEscapeString(url))
	err = errors.Join(err, f.Close())
	cmd := exec.Command(program[0], append(program[1:], f.Name())...)
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open a browser: %w", err), os.Remove(f.Name()))
	}
	go func() {
		const untilRead = 20 * time.Second
		_ = cmd.Wait() // its end is nobody's business
		time.Sleep(untilRead)
		_ = os.Remove(f.Name()) // it leads to a page that will be gone too
	}()
	return nil
}
