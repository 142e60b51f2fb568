package tools

// Instructions is what the server tells every agent when a session begins.
func Instructions() string { return instructions }
