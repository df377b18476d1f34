package main

import (
	"fmt"
	"io"
	"os"
)

// progress tells a person who waits at a terminal what is being done. In a pipe nobody waits.
func progress(w io.Writer) func(string) {
	if !isTerminal(w) {
		return nil
	}
	faint, off := "\x1b[2m", "\x1b[0m"
	if os.Getenv("NO_COLOR") != "" {
		faint, off = "", ""
	}
	return func(step string) { fmt.Fprintf(w, "%s%s%s\n", faint, step, off) }
}

// remoteWords passes on what the remote says: in a pipe too, since it may say where to open a pull request.
func remoteWords(w io.Writer) io.Writer { return prefixed{w} }

type prefixed struct{ io.Writer }

func (p prefixed) Write(line []byte) (int, error) {
	_, err := fmt.Fprintf(p.Writer, "remote: %s", line)
	return len(line), err
}
