package git

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// How much of a remote's words is kept, and how much of that is shown in an error.
const (
	maxKept  = 64 << 10
	maxShown = 2 << 10
)

// escape matches the sequences by which a text steers a terminal: it could hide a line, or write one that nobody said.
var escape = regexp.MustCompile(`(?s)\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?`)

// chatter is progress, which explains no rejection: `Resolving deltas: 100% (3/3), done.`
var chatter = regexp.MustCompile(`^[A-Z][a-z]+ [a-z]+: +\d+%|^Total \d+ `)

// clean makes a remote's words fit to print: lines of printable characters, none of them empty.
func clean(text string) string {
	text = escape.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), "")
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		if line = cleanLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// cleanLine drops control characters, and the invisible ones that turn the direction of a text around.
func cleanLine(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, line))
}

// Printable is a name that somebody else chose, like a path of the branch, in one line and as long as it is. What cannot be
// seen, or steers a terminal, stands as U+FFFD.
func Printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}

// shown is what an error tells of a remote's words.
func shown(text string) string {
	text = clean(text)
	if len(text) <= maxShown {
		return text
	}
	return strings.TrimSpace(strings.ToValidUTF8(text[:maxShown], "")) + " …"
}

// remarks keeps what a remote says beside the protocol, and passes it on while it speaks. Safe for several writers.
type remarks struct {
	mu   sync.Mutex
	out  io.Writer // nil: nobody listens
	kept []byte
	line []byte
}

// Write never fails: a push must not end because nobody could be told about it. Beyond maxKept it is deaf.
func (r *remarks) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := p[:min(len(p), maxKept-len(r.kept))]
	r.kept = append(r.kept, fresh...)
	r.line = append(r.line, fresh...)
	for {
		line, rest, found := bytes.Cut(r.line, []byte("\n"))
		if !found {
			return len(p), nil
		}
		r.tell(line)
		r.line = rest
	}
}

// tell passes on one line, without the states that a progress counter overwrote.
func (r *remarks) tell(line []byte) {
	line = bytes.TrimRight(line, "\r")
	line = line[bytes.LastIndexByte(line, '\r')+1:]
	if text := clean(string(line)); text != "" && r.out != nil {
		io.WriteString(r.out, text+"\n")
	}
}

// text is everything that was said, but for progress.
func (r *remarks) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for line := range strings.Lines(clean(string(r.kept))) {
		if !chatter.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, ""))
}
