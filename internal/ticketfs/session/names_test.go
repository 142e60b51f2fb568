package session

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNameIn(t *testing.T) {
	long := strings.Repeat("x", 256)
	for meta, want := range map[string]string{
		`{}`:                 "",
		`null`:               "",
		`{"sessionID":"s1"}`: "s1",
		`{"x-codex-turn-metadata":{"session_id":"c","turn_id":"7"}}`:           "c",
		`{"x-codex-turn-metadata":"{\"session_id\":\"c\"}"}`:                   "c",
		`{"x-codex-turn-metadata.session_id":"c"}`:                             "c",
		`{"x-codex-turn-metadata":"no JSON","sessionID":"s1"}`:                 "s1",
		`{"x-codex-turn-metadata":{"session_id":7},"sessionID":"s1"}`:          "s1",
		`{"x-codex-turn-metadata":{"session_id":"c"},"sessionID":"s1"}`:        "c",
		`{"vscode.conversationId":"v","vscode.requestId":"r"}`:                 "v",
		`{"vscode":{"conversationId":"v"}}`:                                    "v",
		`{"openai/session":"o"}`:                                               "o",
		`{"ticket-mcp/session":"t"}`:                                           "t",
		`{"openai/session":"o","ticket-mcp/session":"t"}`:                      "o",
		`{"sessionID":"` + long + `"}`:                                         long,
		`{"sessionID":"` + long + `x"}`:                                        "",
		`{"sessionID":"` + long + `x","ticket-mcp/session":"t"}`:               "t",
		`{"sessionID":""}`:                                                     "",
		`{"sessionID":"  "}`:                                                   "",
		`{"sessionID":17}`:                                                     "",
		`{"sessionID":{"sessionID":"s1"}}`:                                     "",
		`{"sessionID":["s1"]}`:                                                 "",
		`{"sessionID":null,"openai/session":false,"vscode":[{}]}`:              "",
		`{"io.modelcontextprotocol/protocolVersion":"1","progressToken":"p1"}`: "",
	} {
		var decoded map[string]any
		if err := json.Unmarshal([]byte(meta), &decoded); err != nil {
			t.Fatal(meta, err)
		}
		if got := NameIn(decoded); got != want {
			t.Errorf("%.80s: %q, want %q", meta, got, want)
		}
	}
}

func TestNamesOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		env           map[string]string
		server, shell string
		agent         bool
	}{
		{env: map[string]string{}},
		{env: map[string]string{"TICKET_MCP_SESSION": "t", "CLAUDE_CODE_SESSION_ID": "c"},
			server: "t", shell: "t", agent: true},
		{env: map[string]string{"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "c"}, server: "c",
			shell: "c", agent: true},
		{env: map[string]string{"CODEX_THREAD_ID": "x"}, shell: "x", agent: true},
		{env: map[string]string{"CLAUDECODE": "1"}, agent: true},
		{env: map[string]string{"GEMINI_CLI": "1"}, agent: true},
		{env: map[string]string{"TICKET_MCP_SESSION": "", "CLAUDE_CODE_SESSION_ID": "c"},
			server: "c", shell: "c", agent: true},
		{env: map[string]string{"TICKET_MCP_SESSION": strings.Repeat("x", 257)}},
	} {
		getenv := func(name string) string { return tt.env[name] }
		if got := NameFromEnv(getenv); got != tt.server {
			t.Errorf("%v: a server's name is %q, want %q", tt.env, got, tt.server)
		}
		if name, agent := InShell(getenv); name != tt.shell || agent != tt.agent {
			t.Errorf("%v: a command's name is %q (agent %v), want %q (%v)", tt.env, name, agent,
				tt.shell, tt.agent)
		}
	}
}

func TestClaims(t *testing.T) {
	key := Key("one")
	for text, want := range map[string]Claim{
		"planner@" + key:      {Name: "planner", Key: key},
		"a@b@" + key:          {Name: "a@b", Key: key},
		"Ada-Lovelace@person": {Name: "Ada-Lovelace"},
		"planner@" + key[:11]: {},
		"planner@" + strings.ToUpper("abcdefabcdef"): {},
		"Ada":     {},
		"@person": {},
		"":        {},
	} {
		if got := ParseClaim(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	if !ParseClaim("Ada@person").Person() || ParseClaim("@person").Person() ||
		ParseClaim("x@"+key).Person() {
		t.Error("who is a person?")
	}
	if got := (Claim{Name: "Ada Lovelace"}).String(); got != "Ada-Lovelace@person" {
		t.Error(got)
	}
	if got := (Claim{Name: " ", Key: key}).String(); got != "agent@"+key {
		t.Error(got)
	}
}
