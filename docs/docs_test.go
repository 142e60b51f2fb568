// Package docs holds no code: its tests check what the documents say about this repository.
package docs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
)

// TestUpstreamPrograms compiles the program in each finding for other projects. Whether it still
// shows the fault is tried by hand, with the version it is about.
func TestUpstreamPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles seven programs")
	}
	findings, err := filepath.Glob("upstream/*-*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) < 7 {
		t.Fatalf("only %d findings", len(findings))
	}
	program := regexp.MustCompile("(?ms)^```go\n((?:// .*\n)?package main\n.*?)^```$")
	for _, i := range longtest.Sample(len(findings)) {
		finding := findings[i]
		t.Run(filepath.Base(finding), func(t *testing.T) {
			text, err := os.ReadFile(finding)
			if err != nil {
				t.Fatal(err)
			}
			found := program.FindAllSubmatch(text, -1)
			if len(found) != 1 {
				t.Fatalf("%d programs, want 1", len(found))
			}
			main := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(main, found[0][1], 0o666); err != nil {
				t.Fatal(err)
			}
			var output bytes.Buffer
			vet := exec.CommandContext(t.Context(), "go", "vet", main)
			vet.Stdout, vet.Stderr = &output, &output
			if err := vet.Run(); err != nil {
				t.Errorf("go vet: %v\n%s", err, &output)
			}
			if formatted, err := exec.CommandContext(t.Context(), "gofmt", "-l",
				main).CombinedOutput(); err != nil || len(formatted) > 0 {
				t.Errorf("gofmt: %v, %s", err, formatted)
			}
		})
	}
}
