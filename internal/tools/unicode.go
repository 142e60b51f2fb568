package tools

import (
	"encoding/json"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// checkUnicode refuses arguments whose text is not Unicode: bytes that are no UTF-8, halves of
// surrogate pairs. Decoding JSON would put U+FFFD in their place and say nothing, so this looks at
// the bytes as they came.
func checkUnicode(name string, args json.RawMessage) error {
	at := document.NotUnicode(args)
	if at < 0 {
		return nil
	}
	return ticketfs.Refuse(ticketfs.Invalid, "send the text as UTF-8; nothing was written",
		"arguments of %s hold text that is not Unicode, at byte %d", name, at+1)
}
