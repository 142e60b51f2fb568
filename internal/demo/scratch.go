package demo

import (
	"errors"
	"os"
	"path/filepath"
)

const folder = ".tickets"

// makeScratch makes a folder with an empty board. Its last name is what the board is called.
func makeScratch() (root string, err error) {
	parent, err := os.MkdirTemp("", "ticket-mcp-demo-")
	if err != nil {
		return "", err
	}
	root = filepath.Join(parent, "webshop")
	if err := os.MkdirAll(filepath.Join(root, folder), 0o777); err != nil {
		return "", errors.Join(err, os.RemoveAll(parent))
	}
	return root, nil
}

func removeScratch(root string) error { return os.RemoveAll(filepath.Dir(root)) }
