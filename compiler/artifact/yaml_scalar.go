package artifact

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSimpleKey is the longest key, quotes included, that every reader accepts on the line of its value. YAML allows 1024
// characters; some readers count more than the key itself.
const maxSimpleKey = 1000

// keyOf is a key as it is written, without its colon.
func keyOf(name string) []byte {
	if isPlain(name) {
		return []byte(name)
	}
	return appendQuoted(nil, name)
}

func (e *encoder) checkKey(name string) {
	if !utf8.ValidString(name) {
		e.fail("key %q is not UTF-8", name)
	}
}

// text writes a string: plain where that is safe, as a literal block where it has lines and a block holds them exactly,
// else in double quotes.
func (e *encoder) text(s string, at spot) {
	switch {
	case isPlain(s):
		e.scalar(s, at)
	case at.indent > 0 && isLiteral(s):
		e.literal(s, at)
	case !utf8.ValidString(s):
		e.fail("text is not UTF-8: %.40q", s)
	default:
		e.space(at)
		e.out = append(appendQuoted(e.out, s), '\n')
	}
}

// isPlain tells whether a string can stand without quotes and is a string to every reader.
func isPlain(s string) bool {
	if s == "" || !startsPlain(s) || isWord(s) || isNumberish(s) {
		return false
	}
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			ascii = false
		case c < ' ' || c == 0x7f:
			return false
		case c == ':' && (i+1 == len(s) || s[i+1] == ' '):
			return false
		case c == ' ' && (i+1 == len(s) || s[i+1] == '#'):
			return false
		}
	}
	return ascii || isPrintable(s)
}

// startsPlain refuses what begins like something else in YAML: an indicator, a dash of a list, a line between documents,
// the merge key `<<` and the default key `=` of YAML 1.1.
func startsPlain(s string) bool {
	switch s[0] {
	case ' ', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '=', '~':
		return false
	case '-':
		return len(s) > 1 && s[1] != ' ' && !strings.HasPrefix(s, "---")
	case '.':
		return !strings.HasPrefix(s, "...")
	case '<':
		return !strings.HasPrefix(s, "<<")
	}
	return true
}

// isWord knows the words that are booleans or null in YAML 1.1 or 1.2. (`~`, `.inf` and `.nan` are caught elsewhere.)
func isWord(s string) bool {
	if len(s) > len("false") {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

// isNumberish takes in whatever begins like a number and has nothing in it that no number, date or time of day has: `0x1F`,
// `1e3`, `1_000`, `12:30:45`, `2024-01-02T03:04:05Z`; and `1.4.0`, which is a float by the letter of YAML 1.1. To quote too
// much does no harm.
func isNumberish(s string) bool {
	switch c := s[0]; {
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.':
	default:
		return false
	}
	if word := strings.ToLower(strings.TrimLeft(s, "+-")); word == ".inf" || word == ".nan" {
		return true
	}
	return strings.Trim(s, "0123456789abcdefABCDEFxXoOtTzZ_.,:+- ") == ""
}

// isPrintable tells what may stand in a file as it is. Go's notion excludes control, format and bidirectional characters,
// the byte order mark, the line breaks of Unicode, and what is not UTF-8.
func isPrintable(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// isLiteral tells whether a literal block holds a string exactly. It does not where the first line begins with white space,
// since the indentation of the block is found there; and a line that ends in white space would hold until the first editor
// that trims it.
func isLiteral(s string) bool {
	content := strings.TrimLeft(s, "\n")
	if !strings.Contains(s, "\n") || content == "" || content[0] == ' ' || content[0] == '\t' {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			return false
		}
		if !isPrintable(strings.ReplaceAll(line, "\t", " ")) {
			return false
		}
	}
	return true
}

// literal writes a block: `|-` where no newline ends the text, `|` where one does, `|+` where there are more.
func (e *encoder) literal(s string, at spot) {
	content := strings.TrimRight(s, "\n")
	switch len(s) - len(content) {
	case 0:
		e.scalar("|-", at)
	case 1:
		e.scalar("|", at)
	default:
		e.scalar("|+", at)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		if line != "" {
			e.indent(at.indent)
			e.out = append(e.out, line...)
		}
		e.out = append(e.out, '\n')
	}
}

// appendQuoted writes double quotes, with everything escaped that is not printable.
func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == '\r':
			out = append(out, `\r`...)
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		default:
			out = appendEscape(out, r)
		}
	}
	return append(out, '"')
}

func appendEscape(out []byte, r rune) []byte {
	letter, digits := byte('x'), 2
	switch {
	case r > 0xFFFF:
		letter, digits = 'U', 8
	case r > 0xFF:
		letter, digits = 'u', 4
	}
	out = append(out, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		out = append(out, "0123456789ABCDEF"[r>>shift&0xF])
	}
	return out
}

func (e *encoder) integer(n int64, at spot) {
	e.space(at)
	e.out = append(strconv.AppendInt(e.out, n, 10), '\n')
}

// float writes the shortest form that reads back the same. An exponent is used where JSON uses one, and then the mantissa
// has a point and the exponent a sign: YAML 1.1 takes `1e+21` for text.
func (e *encoder) float(f float64, bits int, at spot) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.fail("%v is not a number that JSON has", f)
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	text := strconv.FormatFloat(f, format, -1, bits)
	if mantissa, exponent, found := strings.Cut(text, "e"); found && !strings.Contains(mantissa, ".") {
		text = mantissa + ".0e" + exponent
	}
	e.scalar(text, at)
}

// number writes a JSON number. Go's empty json.Number is 0.
func (e *encoder) number(text string, at spot) {
	if text == "" {
		text = "0"
	}
	if !json.Valid([]byte(text)) || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		e.fail("%q is not a JSON number", text)
		return
	}
	if !strings.ContainsAny(text, ".eE") {
		e.scalar(text, at)
		return
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		e.fail("%w", err)
	}
	e.float(f, 64, at)
}
