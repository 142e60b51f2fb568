package install

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jsonEdits are configuration files and what becomes of them when plainEntry without arguments is
// set at mcpServers, tickets. Every byte counts.
var jsonEdits = []struct{ name, old, want, there, fault string }{
	{
		name: "no file",
		want: `{
  "mcpServers": {
    "tickets": {
      "command": "ticket-mcp",
      "args": []
    }
  }
}
`,
	},
	{
		name: "order, unknown keys, numbers, tabs, no last newline",
		old:  "{\n\t\"z\": 1.0e3,\n\t\"mcpServers\": {\n\t\t\"b\": {\"command\": \"b\"},\n\t\t\"a\": {\n\t\t\t\"command\": \"\\u0061\"\n\t\t}\n\t},\n\t\"a\": [1, 2]\n}",
		want: "{\n\t\"z\": 1.0e3,\n\t\"mcpServers\": {\n\t\t\"b\": {\"command\": \"b\"},\n\t\t\"a\": {\n\t\t\t\"command\": \"\\u0061\"\n\t\t},\n\t\t\"tickets\": {\n\t\t\t\"command\": \"ticket-mcp\",\n\t\t\t\"args\": []\n\t\t}\n\t},\n\t\"a\": [1, 2]\n}",
	},
	{
		name: "CRLF and a byte order mark, four spaces",
		old:  "\ufeff{\r\n    \"theme\": \"dark\"\r\n}\r\n",
		want: "\ufeff{\r\n    \"theme\": \"dark\",\r\n    \"mcpServers\": {\r\n        \"tickets\": {\r\n            \"command\": \"ticket-mcp\",\r\n            \"args\": []\r\n        }\r\n    }\r\n}\r\n",
	},
	{
		name: "comments that look like JSON, and trailing commas",
		old: `// { "mcpServers": {
{
  /* "mcpServers": {} */
  "url": "https://x//y", // not a comment, a comment }
  "mcpServers": {
    "other": { "command": "o", }, // the other one
    // "tickets": {}
  },
}
// end
`,
		want: `// { "mcpServers": {
{
  /* "mcpServers": {} */
  "url": "https://x//y", // not a comment, a comment }
  "mcpServers": {
    "other": { "command": "o", }, // the other one
    // "tickets": {}
    "tickets": {
      "command": "ticket-mcp",
      "args": []
    }
  },
}
// end
`,
	},
	{
		name: "a comment behind the last value",
		old:  "{\n  \"a\": 1 // one, two\n}\n",
		want: "{\n  \"a\": 1, // one, two\n  \"mcpServers\": {\n    \"tickets\": {\n      \"command\": \"ticket-mcp\",\n      \"args\": []\n    }\n  }\n}\n",
	},
	{
		name: "only comments",
		old:  "// mine\n",
		want: "// mine\n{\n  \"mcpServers\": {\n    \"tickets\": {\n      \"command\": \"ticket-mcp\",\n      \"args\": []\n    }\n  }\n}\n",
	},
	{
		name: "one line",
		old:  `{"a":{"mcpServers":1},"mcpServers":{"x":{"command":"x"}}}`,
		want: `{"a":{"mcpServers":1},"mcpServers":{"x":{"command":"x"},"tickets":{"command":"ticket-mcp","args":[]}}}`,
	},
	{
		name: "one line with spaces and an empty object",
		old:  `{"a": 1, "mcpServers": {}}`,
		want: `{"a": 1, "mcpServers": {"tickets":{"command":"ticket-mcp","args":[]}}}`,
	},
	{
		name: "an empty object over several lines",
		old:  "{\n  \"mcpServers\": {\n  }\n}\n",
		want: "{\n  \"mcpServers\": {\n    \"tickets\": {\n      \"command\": \"ticket-mcp\",\n      \"args\": []\n    }\n  }\n}\n",
	},
	{
		name: "there already, written otherwise",
		old:  `{"mcpServers":{"tickets":{"env":{},"type":"stdio","command":"ticket-mcp"}}}`,
		want: `{"mcpServers":{"tickets":{"env":{},"type":"stdio","command":"ticket-mcp"}}}`,
	},
	{
		name:  "another entry of our name",
		old:   "{\n  \"mcpServers\": {\n    \"tickets\": {\"command\": \"tk\", \"env\": {\"A\": \"b\"}}, // mine\n    \"x\": {}\n  }\n}\n",
		there: `{"command":"tk","env":{"A":"b"}}`,
		want:  "{\n  \"mcpServers\": {\n    \"tickets\": {\n      \"command\": \"ticket-mcp\",\n      \"args\": []\n    }, // mine\n    \"x\": {}\n  }\n}\n",
	},
	{name: "broken", old: "{\n  \"a\": 1,\n  \"b\"\n}\n",
		fault: "is not JSON: line 4, column 1: invalid character '}' after object name"},
	{name: "cut off", old: "{\"a\": {",
		fault: "is not JSON: line 1, column 8: parsing value: unexpected EOF"},
	{name: "an open comment", old: "{} /* ",
		fault: "is not JSON: line 1, column 4: parsing comment: unexpected EOF"},
	{name: "two values", old: "{}\n{}\n",
		fault: "is not JSON: line 2, column 1: invalid character '{' after top-level value"},
	{name: "a comma for nothing", old: "{,}",
		fault: "is not JSON: line 1, column 2: invalid character ',' at start of value"},
	{name: "no object", old: "[]", fault: "is not a JSON object"},
	{name: "servers that are no object", old: `{"mcpServers": []}`,
		fault: `"mcpServers" is not an object`},
	{name: "servers twice", old: `{"mcpServers": {}, "mcpServers": {}}`,
		fault: `has "mcpServers" twice`},
}

var testKeys = []string{"mcpServers", "tickets"}

func testEntry() string { return hostFile{entry: plainEntry}.entryFor(nil) }

func TestEditJSON(t *testing.T) {
	for _, test := range jsonEdits {
		t.Run(test.name, func(t *testing.T) {
			edit, err := editJSON([]byte(test.old), testKeys, testEntry())
			checkEdit(t, edit, err, test.want, test.there, test.fault)
			if err == nil {
				again, err := editJSON(edit.text, testKeys, testEntry())
				checkEdit(t, again, err, test.want, "", "")
			}
		})
	}
}

func checkEdit(t *testing.T, edit fileEdit, err error, want, there, fault string) {
	t.Helper()
	if fault != "" {
		if err == nil || !strings.HasPrefix(err.Error(), fault) {
			t.Fatalf("got error %v, want %s", err, fault)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(edit.text)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if edit.there != there {
		t.Errorf("there: got %s, want %s", edit.there, there)
	}
}

const ourTable = "[mcp_servers.tickets]\ncommand = \"ticket-mcp\"\n"

// tomlEdits are files of Codex and what becomes of them when the server tickets without arguments
// is set.
var tomlEdits = []struct{ name, old, want, there, fault string }{
	{name: "no file", want: ourTable},
	{
		name: "comments, order, other servers",
		old:  "# mine\nmodel = \"x\" # why\n\n[mcp_servers.other]\ncommand = 'o' # c\n\n  [mcp_servers.other.env]\n  A = \"b\"\n\n[tui]\ntheme = \"y\"\n# end\n",
		want: "# mine\nmodel = \"x\" # why\n\n[mcp_servers.other]\ncommand = 'o' # c\n\n  [mcp_servers.other.env]\n  A = \"b\"\n\n[tui]\ntheme = \"y\"\n# end\n\n" + ourTable,
	},
	{name: "no last newline", old: "a = 1", want: "a = 1\n\n" + ourTable},
	{name: "an empty line at the end", old: "a = 1\n\n", want: "a = 1\n\n" + ourTable},
	{name: "CRLF", old: "a = 1\r\n[b]\r\nc = 2",
		want: "a = 1\r\n[b]\r\nc = 2\r\n\r\n[mcp_servers.tickets]\r\ncommand = \"ticket-mcp\"\r\n"},
	{
		name: "our header within strings and arrays",
		old:  "a = \"\"\"\n[mcp_servers.tickets]\ncommand = 'x'\"\"\"\"\nb = [\n  [\"[mcp_servers.tickets]\"], # ]\n  ['''\n[mcp_servers.tickets]'''],\n]\n",
		want: "a = \"\"\"\n[mcp_servers.tickets]\ncommand = 'x'\"\"\"\"\nb = [\n  [\"[mcp_servers.tickets]\"], # ]\n  ['''\n[mcp_servers.tickets]'''],\n]\n\n" + ourTable,
	},
	{
		name: "strings with quotes and signs",
		old:  "a = \"\\\" [ #\" # [\nb = '\\' # '\n[ c.\"d.e\" ]\nf = [ # [\n]\n",
		want: "a = \"\\\" [ #\" # [\nb = '\\' # '\n[ c.\"d.e\" ]\nf = [ # [\n]\n\n" + ourTable,
	},
	{
		name: "servers with a table of their own",
		old:  "[mcp_servers]\nother = { command = \"o\" }\n",
		want: "[mcp_servers]\nother = { command = \"o\" }\n\n" + ourTable,
	},
	{
		name: "there already, written otherwise",
		old:  "[ mcp_servers . \"tickets\" ]\nargs = []\ncommand = 'ticket-mcp'\nenabled = true\n",
		want: "[ mcp_servers . \"tickets\" ]\nargs = []\ncommand = 'ticket-mcp'\nenabled = true\n",
	},
	{
		name: "there already, in one line",
		old:  "mcp_servers = { tickets = { command = \"ticket-mcp\" } }\n",
		want: "mcp_servers = { tickets = { command = \"ticket-mcp\" } }\n",
	},
	{
		name:  "another table of our name, and tables below it",
		old:   "[mcp_servers.'tickets'] # t\ncommand = \"tk\"\n\n# of a\n[a]\nb = 1\n\n[mcp_servers.tickets.env] # e\nA = \"b\"\n# of c\n\n[c]\n",
		there: `{"command":"tk","env":{"A":"b"}}`,
		want:  ourTable + "\n# of a\n[a]\nb = 1\n\n# of c\n\n[c]\n",
	},
	{name: "our server in one line", old: "[mcp_servers]\ntickets = { command = \"tk\" }\n",
		fault: "has its servers in a form that cannot be edited without loss"},
	{name: "servers in one line", old: "mcp_servers = { a = { command = \"a\" } }\n",
		fault: "has its servers in a form that cannot be edited without loss"},
	{name: "dotted", old: "mcp_servers.tickets.command = \"tk\"\n",
		fault: "has its servers in a form that cannot be edited without loss"},
	{name: "our server is a list", old: "[[mcp_servers.tickets]]\ncommand = \"tk\"\n",
		want: ourTable, there: `[{"command":"tk"}]`},
	{name: "broken", old: "a = 1\n[b\n", fault: "is not TOML: "},
	{name: "a key twice", old: "a = 1\na = 2\n", fault: "is not TOML: "},
}

func TestEditTOML(t *testing.T) {
	for _, test := range tomlEdits {
		t.Run(test.name, func(t *testing.T) {
			edit, err := editTOML([]byte(test.old), "tickets", nil)
			checkEdit(t, edit, err, test.want, test.there, test.fault)
			if err == nil {
				again, err := editTOML(edit.text, "tickets", nil)
				checkEdit(t, again, err, test.want, "", "")
			}
		})
	}
}

// The editors keep every byte but space, and what they wrote they find again.
func checkKept(t *testing.T, old []byte, edit fileEdit, again func([]byte) (fileEdit, error)) {
	if edit.there == "" {
		rest := []byte(strings.Join(strings.Fields(string(old)), ""))
		for _, c := range edit.text {
			if len(rest) > 0 && c == rest[0] {
				rest = rest[1:]
			}
		}
		if len(rest) > 0 {
			t.Errorf("bytes were lost: %q became %q", old, edit.text)
		}
	}
	second, err := again(edit.text)
	if err != nil || second.there != "" || !bytes.Equal(second.text, edit.text) {
		t.Errorf("%q became %q, and then %q %s %v", old, edit.text, second.text, second.there, err)
	}
}

func FuzzEditJSON(f *testing.F) {
	for _, test := range jsonEdits {
		f.Add([]byte(test.old))
	}
	f.Fuzz(func(t *testing.T, old []byte) {
		edit, err := editJSON(old, testKeys, testEntry())
		if err == nil {
			checkKept(t, old, edit,
				func(text []byte) (fileEdit, error) { return editJSON(text, testKeys, testEntry()) })
		}
	})
}

func FuzzEditTOML(f *testing.F) {
	for _, test := range tomlEdits {
		f.Add([]byte(test.old))
	}
	f.Fuzz(func(t *testing.T, old []byte) {
		edit, err := editTOML(old, "tickets", []string{"--dir", "/x \"y\" \\ z"})
		if err == nil {
			checkKept(t, old, edit, func(text []byte) (fileEdit, error) {
				return editTOML(text, "tickets", []string{"--dir", "/x \"y\" \\ z"})
			})
		}
	})
}
