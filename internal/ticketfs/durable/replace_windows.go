package durable

import "github.com/natefinch/atomic"

// replaceFile renames a file to the place of another one.
func replaceFile(source, target string) error { return atomic.ReplaceFile(source, target) }
