package git

import "strings"

// ParseMessage reads a commit's message back. What its trailers are is Git's to say (git-interpret-trailers): lines
// `Key: value` that fill the last paragraph, which is not the first one; where Git itself wrote one of them, a quarter of the
// lines is enough.
func ParseMessage(text string) Message {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n")+"\n", "\n")
	lines = lines[:len(lines)-1] // what follows the last newline
	title, end := endOfTitle(lines), endOfMessage(lines)
	start := startOfTrailers(lines[:end], min(title, end))
	trailers := parseTrailers(lines[start:end])
	if len(trailers) == 0 {
		start = len(lines)
	}
	return Message{
		Subject:  strings.ReplaceAll(strings.Trim(strings.Join(lines[:title], ""), "\n"), "\n", " "),
		Body:     strings.Trim(strings.Join(lines[title:max(title, start)], ""), "\n"),
		Trailers: trailers,
	}
}

// endOfMessage is the line at which a patch or what `git commit` shows in the editor begins, or comments that nothing follows.
func endOfMessage(lines []string) int {
	for i, line := range lines {
		if isDivider(line) || isScissors(line) {
			lines = lines[:i]
			break
		}
	}
	end, conflicts := len(lines), false
	for i, line := range lines {
		switch {
		case line[0] == '#' || line[0] == '\n':
			end = min(end, i)
		case line == "Conflicts:\n":
			end, conflicts = min(end, i), true
		case conflicts && line[0] == '\t': // a file in that list
		default:
			end, conflicts = len(lines), false
		}
	}
	return end
}

func endOfTitle(lines []string) int {
	for i, line := range lines {
		if line[0] != '#' && isBlank(line) {
			return i
		}
	}
	return len(lines)
}

// startOfTrailers counts the kinds of lines of the last paragraph, from its end.
func startOfTrailers(lines []string, title int) int {
	trailers, others, moved, byGit := 0, 0, 0, false // moved in: part of whatever stands above
	for i := len(lines) - 1; i >= title; i-- {
		switch line := lines[i]; {
		case line[0] == '#':
			others, moved = others+moved, 0
		case isBlank(line) && trailers+others+moved == 0: // below the paragraph
		case isBlank(line):
			others += moved
			if trailers > 0 && (others == 0 || byGit && trailers*3 >= others) {
				return i + 1
			}
			return len(lines)
		case strings.HasPrefix(line, "Signed-off-by: "), strings.HasPrefix(line, "(cherry picked from commit "):
			trailers, moved, byGit = trailers+1, 0, true
		case separator(line) >= 1:
			trailers, moved = trailers+1, 0
		case isSpace(line[0]):
			moved++
		default:
			others, moved = others+moved+1, 0
		}
	}
	return len(lines)
}

// parseTrailers joins a trailer with the lines that are moved in below it.
func parseTrailers(lines []string) []Trailer {
	var trailers []Trailer
	last := false // the line before belongs to a trailer
	for _, line := range lines {
		at := separator(line)
		switch {
		case last && isSpace(line[0]):
			t := &trailers[len(trailers)-1]
			t.Value = strings.TrimSuffix(t.Value, "\n") + " " + strings.TrimLeft(line, " \t\r")
		case at >= 1:
			trailers, last = append(trailers, Trailer{trimSpace(line[:at]), line[at+1:]}), true
		default:
			last = false
		}
	}
	for i := range trailers {
		trailers[i].Value = trimSpace(trailers[i].Value)
	}
	return trailers
}

// separator is where the colon of a trailer stands: behind a word, and at most spaces between. Less than 1: there is none.
func separator(line string) int {
	spaced := false
	for i := range len(line) {
		switch c := line[i]; {
		case c == ':':
			return i
		case !spaced && isTokenByte(c):
		case i > 0 && (c == ' ' || c == '\t'):
			spaced = true
		default:
			return -1
		}
	}
	return -1
}

func isTokenByte(c byte) bool {
	return c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isDivider is where a mailed patch begins.
func isDivider(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || isSpace(rest[0]))
}

// isScissors is the line below which `git commit --verbose` shows the change.
func isScissors(line string) bool {
	return len(line) > 0 && strings.TrimSuffix(line[1:], "\n") == " ------------------------ >8 ------------------------"
}

// Git knows these four spaces only, in any language.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isBlank(line string) bool { return trimSpace(line) == "" }

func trimSpace(s string) string { return strings.Trim(s, " \t\n\r") }
