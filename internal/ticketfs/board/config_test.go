package board

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// configs are files that git reads in its own way, or rejects.
var configs = []string{
	"",
	"[core]\n\tbare = true\n",
	"[foo] bare = true\n[core] bare=false",
	"[CORE]\nBare\n",
	"[core]\nbare =\n",
	"[core]bare=true#x\nworktree=/a b ; c\n",
	"\uFEFF[core]\r\n\tworktree = \"/a # b\" # c\r\n",
	"[core]\nworktree = /a\\tb\\n\\\\\\\"c\\b\n",
	"[core]\nworktree = a\\\n  b\\\r\n c\n",
	"[core]\nworktree = \"a\\\nb\"  \t\n",
	"[core]\nworktree = a \"b  \" c\t\n",
	"[core \"Sub.x\"]\nbare = true\n[core \"a\\\"b\\\\c\\d\"] bare\n",
	"[core.Sub]\nbare = true\n",
	"[core   \"x\"]\nbare\n",
	"[core]\n; x\n# y\n  \n\t bare2-X = 1\n",
	"[core]\nbare = true\n[core]\nbare = false\n[core]bare=yes",
	"[include]\npath = /nowhere\n",
	"[core]\nworktree = /caf\xe9\n",
	"[core]\nworktree = '/a'\n",
	"[a-b.c]\nx=1\n",
	"[ticket-mcp]\nboard = ../x/.tickets\n",
	"bare = true\n",
	"[core]\nworktree = a\\",
	// What git rejects.
	"[core\nbare = true\n", "[core]\n= x\n", "[core]\n1x = 2\n", "[core]\nbare true\n", "[core]\nbare # x\n",
	"[core]\nworktree = \"a\n", "[core]\nworktree = \\x\n", "[core \"a]\n", "[core x]\n", "[core \"a\" ]\n", "[core \"a\nb\"]\n", "[co re]\n",
	"[core\n\"x\"]\na=1\n", "[\n", "[core]x_y=1\n",
}

func TestConfigIsReadAsGitReadsIt(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	needGit(t)
	for _, text := range configs {
		compareConfig(t, text)
	}
	pieces := strings.Split("[core]|[Foo \"b\\\"C\"]|[a.B]|bare|workTree|x-1|=|=| |\t|\n|\n|\r\n|\"|\\n|\\\\|\\\"|\\\n|#|;|true|/a/b|é|]|[|\\|.", "|")
	const rounds = 60
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		text := "[core]"
		for range random.IntN(12) {
			text += pieces[random.IntN(len(pieces))]
		}
		compareConfig(t, text)
	}
}

func compareConfig(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	must(t, os.WriteFile(path, []byte(text), 0o666))
	out, gitErr := exec.Command("git", "config", "--file", path, "--list", "-z").Output()
	all, err := parseConfig(text)
	if (err != nil) != (gitErr != nil) {
		t.Errorf("%q: %+v, %v; git says %q, %v", text, all, err, out, gitErr)
		return
	}
	if err != nil {
		return
	}
	var ours strings.Builder
	for _, s := range all {
		name := s.key
		for _, before := range []string{s.subsection, s.section} {
			if before != "" {
				name = before + "." + name
			}
		}
		ours.WriteString(name)
		if !s.noValue {
			ours.WriteString("\n" + s.value)
		}
		ours.WriteString("\x00")
	}
	// Git before 2.45 reads a blank within a value as a space, whatever blank it is.
	spaces := strings.NewReplacer("\t", " ", "\r", " ")
	if spaces.Replace(ours.String()) != spaces.Replace(string(out)) {
		t.Errorf("%q: %q, git says %q", text, ours.String(), out)
	}
}

func TestConfigBooleans(t *testing.T) {
	needGit(t)
	for _, value := range []string{"true", "TRUE", "yes", "on", "1", "-1", "0", "false", "No",
		"off", "", "2k", "0x1", "00", "perhaps", "1 2", "k", "t"} {
		path := filepath.Join(t.TempDir(), "config")
		must(t, os.WriteFile(path, []byte("[core]\nbare = "+value+"\n"), 0o666))
		out, gitErr := exec.Command("git", "config", "--file", path, "--type=bool",
			"core.bare").Output()
		all, err := parseConfig("[core]\nbare = " + value + "\n")
		must(t, err)
		s, _ := lookup(all, "core", "bare")
		got, err := s.boolean()
		if (err != nil) != (gitErr != nil) || err == nil && fmt.Sprintln(got) != string(out) {
			t.Errorf("%q: %v, %v; git says %q, %v", value, got, err, out, gitErr)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, text := range configs {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseConfig(text); err != nil && !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%v", err)
		}
	})
}
