package tools_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// look is a folder as it stands: all its files, and the tickets they hold.
type look struct {
	files map[string]fileSeen // of .tickets and .sessions, by path below .tickets
	state spec.State
}

type fileSeen struct {
	content string
	info    fs.FileInfo
}

// look reads the whole folder.
func (w *world) look() look {
	w.t.Helper()
	l := look{files: map[string]fileSeen{}}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == w.dir {
			return err
		}
		name, err := filepath.Rel(w.dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := fileSeen{info: info}
		if info.Mode().IsRegular() && !inCrowd(name) {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.content = string(content)
		}
		l.files[filepath.ToSlash(name)] = f
		return nil
	})
	must(w.t, err)
	l.state = w.state(tickets(l.files))
	return l
}

// inCrowd tells of the files that layCrowd wrote. The oracle does not hear of them, since nothing
// names them; only that nobody touches them is looked at.
func inCrowd(name string) bool { return strings.HasPrefix(name, "crowd-") }

// tickets reads the ticket files as the rules see them.
func tickets(files map[string]fileSeen) map[string]spec.Ticket {
	read := map[string]spec.Ticket{}
	for name, f := range files {
		id, found := strings.CutSuffix(name, ".md")
		if !found || !spec.ValidID(id) || inCrowd(name) {
			continue
		}
		d, err := document.Parse(id, []byte(f.content))
		if err != nil || !f.info.Mode().IsRegular() {
			t := spec.Ticket{Malformed: true}
			if d, _ := document.Open(id, []byte(f.content)); d != nil {
				t.Fenced, t.Notes = true, notesOf(d)
			}
			read[id] = t
			continue
		}
		read[id] = ticketOf(d)
	}
	for id, t := range read {
		if !t.Malformed {
			continue
		}
		t.Mentions = mayBeParents(files[id+".md"].content, read)
		read[id] = t
	}
	return read
}

// mayBeParents are the tickets that the key parent of a broken file reads.
func mayBeParents(content string, all map[string]spec.Ticket) []string {
	lines := regexp.MustCompile(`(?m)^parent:.*$`).FindAllString(content, -1)
	var ids []string
	for id := range all {
		if slices.ContainsFunc(lines,
			regexp.MustCompile(`\b`+regexp.QuoteMeta(id)+`\b`).MatchString) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// signature is what stands before the text of a note: when, who, and for a reason what it is the
// reason of.
var signature = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+@(?:[0-9a-f]{12}|person): (released: |reopened: )?`)

// ending is what stands before the reasons in the note that a reopen makes of how the ticket had
// ended.
var (
	ending = regexp.MustCompile(`^it had been closed (?:on \S+ )?`)
	byKey  = regexp.MustCompile(`^by [^ @]+@([0-9a-f]{12})\b`)
)

func ticketOf(d *document.Document) spec.Ticket {
	t := d.Ticket()
	of := spec.Ticket{
		Status: spec.Status(t.Status), Holder: holderOf(t.ClaimedBy), Parent: t.Parent,
		Title: t.Title, Type: t.Type, Priority: t.Priority, Assignee: t.Assignee,
		Agent: agentOf(t.ClaimedBy), ClosedBy: holderOf(t.ClosedBy), Resolution: spec.Resolution(t.Resolution), CloseReason: t.CloseReason, Evidence: t.Evidence,
		Hold: t.Hold, Links: t.Links, PlanRef: t.PlanRef, Created: t.Created.UnixMilli(),
	}
	of.Tags = t.Tags
	if !t.HoldUntil.IsZero() {
		of.HoldUntil = t.HoldUntil.UnixMilli()
	}
	of.BlockedBy = blockersIn(d.FrontMatter())
	of.Notes = notesOf(d)
	return of
}

// blockersIn reads the blockers of both dialects, by YAML alone: not by the code that is judged.
func blockersIn(front string) []string {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(front), &doc); err != nil || len(doc.Content) == 0 {
		return nil
	}
	var ids []string
	for i := 0; i+1 < len(doc.Content[0].Content); i += 2 {
		if key := doc.Content[0].Content[i].Value; key != "blocked-by" && key != "deps" {
			continue
		}
		other := ids
		for _, item := range doc.Content[0].Content[i+1].Content {
			id := item.Value
			for j := 0; j+1 < len(item.Content); j += 2 {
				if item.Content[j].Value == "id" {
					id = item.Content[j+1].Value
				}
			}
			if !slices.Contains(other, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func notesOf(d *document.Document) []string {
	var notes []string
	for _, line := range d.Notes() {
		note := signature.ReplaceAllString(line, "")
		if strings.HasPrefix(note, "closed with open boxes: ") {
			continue // the oracle knows of no boxes
		}
		notes = append(notes, byKey.ReplaceAllString(ending.ReplaceAllString(note, ""), "by $1"))
	}
	return notes
}

var claimForm = regexp.MustCompile(`@([0-9a-f]{12})$`)

// holderOf is the key in a claim. A claim that names no session has a holder of whom nobody can
// tell: itself.
func holderOf(claim string) string {
	if m := claimForm.FindStringSubmatch(claim); m != nil {
		return m[1]
	}
	return claim
}

// agentOf is the agent that a claim names, "" for the session itself.
func agentOf(claim string) string {
	name, key, _ := strings.Cut(claim, "@")
	if key == holderOf(claim) && key != keyOf(name) {
		return name
	}
	return ""
}

// written compares two looks: which tickets were touched, in any way that anybody could see, and
// what else is not as it should be in a folder: each of them has one row more in its journal, which
// says what the file is now, and nobody else has.
func written(before, after look) (ids, faults []string) {
	for _, name := range slices.Sorted(keysOf(before.files, after.files)) {
		was, had := before.files[name]
		is, has := after.files[name]
		same := had && has && was.content == is.content && os.SameFile(was.info, is.info) &&
			was.info.ModTime().Equal(is.info.ModTime()) && was.info.Mode() == is.info.Mode()
		id, ticket := strings.CutSuffix(name, ".md")
		lock, locks := strings.CutSuffix(name, ".md.lock")
		_, exists := after.files[lock+".md"]
		row, journaled := strings.CutSuffix(strings.TrimPrefix(name, journal.Folder+"/"), ".jsonl")
		switch {
		case ticket && !same:
			ids = append(ids, id)
			if fault := oneRowMore(id, before, after); fault != "" {
				faults = append(faults, fault)
			}
		case ticket, had && has && (same || was.info.IsDir()):
		case locks && had && !has:
			faults = append(faults, name+" was removed")
		case locks && !exists && !had:
			faults = append(faults, name+" is a lock of no ticket")
		case name == journal.Folder && has, name == journal.Folder+"/.refusals.jsonl", journaled &&
			touched(before, after, row):
		case locks, strings.HasPrefix(name, ".sessions"), name == ".relations.lock" &&
			has, name == ".gitignore" && !had:
		default:
			faults = append(faults, fmt.Sprintf("%s: there before: %v, after: %v", name, had, has))
		}
	}
	return ids, faults
}

func touched(before, after look, id string) bool {
	return before.files[id+".md"].content != after.files[id+".md"].content
}

// oneRowMore says what is wrong with the journal of a ticket that one change made what it is.
func oneRowMore(id string, before, after look) string {
	name := journal.Folder + "/" + id + ".jsonl"
	more, found := strings.CutPrefix(after.files[name].content, before.files[name].content)
	var row journal.Row
	err := json.Unmarshal([]byte(more), &row)
	now := journal.HashOf([]byte(after.files[id+".md"].content))
	if !found || err != nil || row.After != now || row.Actor == "" || row.Tool == "" ||
		row.Call == "" {
		return fmt.Sprintf("the row of %s is %q (%v), its ticket now has %s", id, more, err, now)
	}
	return ""
}

func keysOf(a, b map[string]fileSeen) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range a {
			if !yield(name) {
				return
			}
		}
		for name := range b {
			if _, both := a[name]; !both && !yield(name) {
				return
			}
		}
	}
}

// dump prints the tickets of a look, for the message of a failure.
func (l look) dump() string {
	var b bytes.Buffer
	for _, name := range slices.Sorted(keysOf(l.files, nil)) {
		if strings.HasSuffix(name, ".md") {
			fmt.Fprintf(&b, "-- %s --\n%s", name, l.files[name].content)
		}
	}
	return b.String()
}
