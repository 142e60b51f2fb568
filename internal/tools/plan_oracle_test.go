package tools_test

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// How the oracle's operation plan is drawn, and read off the answer.

// drawPlan draws a few tickets that name each other, and what is there. The names are those of
// other plans.
func drawPlan(t *rapid.T, w *world) spec.UserInput {
	u := spec.UserInput{Verb: spec.Plan, Plan: pick(t, []string{"p", "p", "q", ""}, "plan"),
		DryRun: rarely(t, 4, "dry run")}
	names := []string{"x", "y", "z", "w"}[:rapid.IntRange(1, 4).Draw(t, "planned")]
	if rarely(t, 20, "bad name") {
		names = append(slices.Clone(names), pick(t, []string{"x", "t1", "no name"}, "name"))
	}
	other := func(label string) string {
		if !rarely(t, 3, "outside the plan") {
			return pick(t, names, label)
		}
		return drawID(t, w, label)
	}
	for _, name := range names {
		p := spec.Planned{Name: name, New: spec.UserInput{Title: new("Plan " + name)}}
		if rarely(t, 2, "with parent") {
			p.New.Parent = new(other("parent"))
		}
		if rarely(t, 2, "with blockers") {
			p.New.BlockedBy = []string{other("blocker")}
		}
		if rarely(t, 8, "on hold") {
			p.New.Hold = new("for Grace")
		}
		if rarely(t, 30, "bad type") {
			p.New.Type = new("story")
		}
		u.Tickets = append(u.Tickets, p)
	}
	return u
}

// plannedIn reads the answer of a plan.
func plannedIn(r reply) (ids map[string]string, exists []string, layers [][]string) {
	ids = map[string]string{}
	tickets, _ := r.fields["tickets"].([]any)
	for _, one := range tickets {
		row := one.(map[string]any)
		name, _ := row["name"].(string)
		if id, has := row["id"].(string); has {
			ids[name] = id
		}
		if row["exists"] == true {
			exists = append(exists, name)
		}
	}
	answered, _ := r.fields["layers"].([]any)
	for _, one := range answered {
		var layer []string
		for _, name := range one.([]any) {
			layer = append(layer, fmt.Sprint(name))
		}
		slices.Sort(layer)
		layers = append(layers, layer)
	}
	return ids, exists, layers
}

// newIDs are the ids that the program chose; where it says none, in a dry run or a refusal, some
// that nobody has.
func newIDs(u spec.UserInput, got spec.Result) map[string]string {
	ids := map[string]string{}
	for i, p := range u.Tickets {
		if ids[p.Name] == "" && !slices.Contains(got.Exists, p.Name) {
			ids[p.Name] = fmt.Sprint("unused-", i)
			if id := got.IDs[p.Name]; id != "" {
				ids[p.Name] = id
			}
		}
	}
	return ids
}

// withoutNew is the answer of a dry run without ids that are only proposed.
func withoutNew(u spec.UserInput, got spec.Result) spec.Result {
	if u.DryRun {
		maps.DeleteFunc(got.IDs,
			func(name, _ string) bool { return !slices.Contains(got.Exists, name) })
	}
	return got
}
