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
)

// Save writes the board as a page into a file. Whoever reads the file meanwhile sees the old page or the new one.
func (b *Board) Save(path string, text func(id string) (Text, error)) (err error) {
	var page bytes.Buffer
	if err := b.WriteFile(&page, text); err != nil {
		return err
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

// Browse opens a page in the person's browser. The URL holds a secret that others could read in the browser's command line, so
// the browser gets a file that leads there, which the person alone may read. It is for remove to take away again.
func Browse(url string) (remove func() error, err error) {
	f, err := os.CreateTemp("", "ticket-mcp-*.html") // for its owner alone
	if err != nil {
		return nil, fmt.Errorf("open a browser: %w", err)
	}
	remove = func() error { return os.Remove(f.Name()) }
	_, err = fmt.Fprintf(f, "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url=%s\"><title>tickets</title>\n", template.HTMLEscapeString(url))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("open a browser: %w", err), remove())
	}
	program := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		program = []string{"open"}
	case "windows":
		program = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return nil, errors.Join(errors.New("open a browser: there is no display here"), remove())
		}
	}
	cmd := exec.Command(program[0], append(program[1:], f.Name())...)
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open a browser: %w", err), remove())
	}
	go func() { _ = cmd.Wait() }() // its end is nobody's business
	return remove, nil
}
