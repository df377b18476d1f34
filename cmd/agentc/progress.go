package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// progress tells a person who waits at a terminal what is being done. In a pipe nobody waits.
func progress(w io.Writer) func(string) {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(step string) { fmt.Fprintf(w, "\x1b[2m%s\x1b[0m\n", step) }
}

// remoteWords passes on what the remote says: in a pipe too, since it may say where to open a pull request.
func remoteWords(w io.Writer) io.Writer { return prefixed{w} }

type prefixed struct{ io.Writer }

func (p prefixed) Write(line []byte) (int, error) {
	_, err := fmt.Fprintf(p.Writer, "remote: %s", line)
	return len(line), err
}
