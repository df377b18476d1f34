package schema

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a reviewer does not see must not be in the spec: bytes that are no text, characters that show nothing, that turn
// the direction of what follows, or that one YAML reader takes for a line break and another does not. The check is on the
// raw bytes, comments included, before any parser sees them.

// maxFile bounds what is parsed. The largest sensible document has a few dozen kilobytes.
const maxFile = 1 << 20

const byteOrderMark = "\uFEFF"

// characters checks the raw bytes of a file. It returns them without the byte order mark that may open them, and whether a
// parser may read on: it must not where lines or columns would no longer be the editor's.
func (r *reporter) characters(data []byte) (text []byte, readable bool) {
	text = bytes.TrimPrefix(data, []byte(byteOrderMark))
	readable = true
	line, column, previous := 1, 1, rune(0)
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRune(text[i:])
		}
		if what, harmless := unseen(c, size, previous, text[i:]); what != "" {
			r.report(line, column, ruleBadText, what+"; remove it")
			readable = readable && harmless
		}
		i, column, previous = i+size, column+1, c
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	return text, readable
}

// unseen says what is wrong with the character that begins rest, and whether a parser would still count as editors do.
func unseen(c rune, size int, previous rune, rest []byte) (what string, harmless bool) {
	switch {
	case c >= ' ' && c < 0x7F, c == '\n', c == '\t':
		return "", true
	case c == '\r' && len(rest) > 1 && rest[1] == '\n':
		return "", true
	case c == '\r':
		return "U+000D is a carriage return without a line feed", false
	case c == utf8.RuneError && size == 1:
		return fmt.Sprintf("byte 0x%02X is not UTF-8", rest[0]), false
	}
	what = hidden(c, previous)
	return what, what == "" || unicode.Is(unicode.Cf, c) && c != 0xFEFF || unicode.Is(invisible, c)
}

// hidden says what is wrong with a character of valid text, if anything.
func hidden(c, previous rune) string {
	what := ""
	switch {
	case c == '\n', c == '\t':
	case unicode.IsControl(c):
		what = "a control character"
	case unicode.Is(bidi, c):
		what = "a bidi control, which turns the direction of the text"
	case c == 0xFEFF:
		what = "a byte order mark, which only opens a file"
	case c == 0x2028, c == 0x2029:
		what = "a line break to some readers only"
	case c&0xFFFE == 0xFFFE:
		what = "not a character"
	case c == 0xFE0F && unicode.Is(unicode.So, previous): // the colourful form of a sign: ⚠️
	case unicode.Is(unicode.Cf, c), unicode.Is(invisible, c):
		what = "an invisible character"
	}
	if what == "" {
		return ""
	}
	return fmt.Sprintf("U+%04X is %s", c, what)
}

// hiddenIn is hidden for the first such character of a value, which can only have come in by an escape.
func hiddenIn(value string) string {
	previous := rune(0)
	for _, c := range value {
		if c >= ' ' && c < 0x7F {
			previous = c
			continue
		}
		if what := hidden(c, previous); what != "" {
			return what
		}
		previous = c
	}
	return ""
}

// Unicode's Bidi_Control property, which package unicode holds under this name.
var bidi = unicode.Bidi_Control

// invisible holds what shows nothing and is not among the format characters (Cf): combining joiner, fillers, vowels
// without a form, variation selectors.
var invisible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034F, Hi: 0x034F, Stride: 1}, {Lo: 0x115F, Hi: 0x1160, Stride: 1}, {Lo: 0x17B4, Hi: 0x17B5, Stride: 1},
		{Lo: 0x180B, Hi: 0x180F, Stride: 1}, {Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, {Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0xE0000, Hi: 0xE0FFF, Stride: 1}},
}

// lineOf is the line with that number, without its end.
func lineOf(text []byte, number int) string {
	for n := 1; ; n++ {
		line, rest, more := bytes.Cut(text, []byte("\n"))
		if n == number {
			return strings.TrimSuffix(string(line), "\r")
		}
		if !more {
			return ""
		}
		text = rest
	}
}

// quote shows an author's value within a message.
func quote(value string) string { return `"` + escape(shorten(value)) + `"` }

// shorten leaves out the password of a URL, since messages end in logs, and what makes a message unreadable.
func shorten(value string) string {
	const most = 60
	value = userinfo.ReplaceAllString(value, "://…@")
	if utf8.RuneCountInString(value) > most {
		value = string([]rune(value)[:most]) + "…"
	}
	return value
}

// escape writes what would not be seen as Go does in strings.
func escape(value string) string {
	quoted := strconv.Quote(value)
	var out strings.Builder
	for _, c := range quoted[1 : len(quoted)-1] {
		if hidden(c, 0) != "" { // what counts as printable in Go all the same
			fmt.Fprintf(&out, `\u%04x`, c)
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

var userinfo = regexp.MustCompile(`://[^/\s]*@`)

// or lists alternatives: `a, b or c`.
func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
