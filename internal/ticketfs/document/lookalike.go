package document

import "strings"

// lookalikes maps keys that look known, in lower case and without - and _, to the key that has the
// meaning here. Of the keys that are known only those are here on which a rule rests; their other
// spellings are found this way as well.
var lookalikes = map[string]string{
	"id": "id", "status": "status", "priority": "priority", "hold": "hold", "holduntil": "hold-until",

	"blockedby": KeyBlockedBy, "deps": KeyBlockedBy, "dependson": KeyBlockedBy, "dependencies": KeyBlockedBy, "dependency": KeyBlockedBy,
	"depends": KeyBlockedBy, "dependents": "", "blockers": KeyBlockedBy, "blocker": KeyBlockedBy, "waitsfor": KeyBlockedBy,
	"needs": KeyBlockedBy, "after": KeyBlockedBy, "waitingfor": KeyBlockedBy, "waitingon": KeyBlockedBy, "requires": KeyBlockedBy, "blocks": "",

	"parent": "parent", "parentid": "parent", "parentticket": "parent", "parenttask": "parent", "epic": "parent", "epicid": "parent",
	"children": "", "subtasks": "",
}

// Meant returns the key that a lookalike may be meant for; "" when there is none, as for a list of
// the tickets that this one blocks, which is not kept here.
func Meant(lookalike string) string {
	if lower := strings.ToLower(lookalike); kindOf(lower) != unknown {
		return lower
	}
	return lookalikes[folded(lookalike)]
}

// looksKnown reports whether a key that is not known looks like one that is, or like a relation.
func looksKnown(key string) bool {
	if kindOf(key) != unknown {
		return false
	}
	if _, looks := lookalikes[folded(key)]; looks {
		return true
	}
	return kindOf(strings.ToLower(key)) != unknown
}

func folded(key string) string {
	if strings.ContainsAny(key, "-_ ") {
		key = joined.Replace(key)
	}
	return strings.ToLower(key)
}

// joined takes out what sets the words of a key apart. To make it takes as long as to read a file.
var joined = strings.NewReplacer("-", "", "_", "", " ", "")
