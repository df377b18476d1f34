package git

import (
	"cmp"
	"strings"
	"unicode"
)

// Message is what a commit says.
type Message struct {
	Subject  string
	Body     string    // may be empty
	Trailers []Trailer // in this order
}

// Trailer is one `Key: value` line at the end of a message.
type Trailer struct{ Key, Value string }

// String is the message as it stands in the commit. Parts of it may come from other people's commits, so each part is made
// unable to be taken for another: subject and values are one line each, and a line of the body that Git, or a person with
// grep, could take for a trailer is moved in by a space.
func (m Message) String() string {
	parts := []string{quoteCut(cmp.Or(oneLine(m.Subject), "(no subject)"))}
	if body := quoteBody(m.Body); body != "" {
		parts = append(parts, body)
	}
	if trailers := joinTrailers(m.Trailers); trailers != "" {
		parts = append(parts, trailers)
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// joinTrailers leaves out what says nothing.
func joinTrailers(trailers []Trailer) string {
	var lines []string
	for _, t := range trailers {
		key := strings.Map(func(r rune) rune {
			if isTokenByte(byte(min(r, unicode.MaxASCII))) && r < unicode.MaxASCII {
				return r
			}
			return -1
		}, t.Key)
		if value := oneLine(t.Value); key != "" && value != "" {
			lines = append(lines, key+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

func quoteBody(body string) string {
	lines := strings.Split(printable(body), "\n")
	for i, line := range lines {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		if separator(line) >= 1 {
			line = " " + line
		}
		lines[i] = quoteCut(line)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// quoteCut moves in a line at which Git may believe that the message ends.
func quoteCut(line string) string {
	if isDivider(line) || isScissors(line) {
		return " " + line
	}
	return line
}

// oneLine folds text into one line.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// printable drops what a terminal would obey and what Git does not store.
func printable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return -1
		}
		return r
	}, s)
}
