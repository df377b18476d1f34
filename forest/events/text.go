package events

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// textOf is the text that a JSON string stands for.
func textOf(value string) (text string, is bool) {
	if !strings.HasPrefix(value, `"`) {
		return "", false
	}
	return unquoted(value), true
}

// unquoted is the text that a JSON string stands for; the scanner has passed it. Without an escape it is a part of the line.
func unquoted(quoted string) string {
	inner := quoted[1 : len(quoted)-1]
	at := strings.IndexByte(inner, '\\')
	if at < 0 {
		return inner
	}
	b := make([]byte, 0, len(inner))
	for ; at >= 0; at = strings.IndexByte(inner, '\\') {
		b = append(b, inner[:at]...)
		c := inner[at+1]
		inner = inner[at+2:]
		if c == 'u' {
			var r rune
			r, inner = escaped(inner)
			b = utf8.AppendRune(b, r)
		} else {
			b = append(b, meant(c))
		}
	}
	return string(append(b, inner...))
}

// meant is the byte that a letter behind a backslash stands for.
func meant(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

// escaped is the character that a text begins with behind `\u`, and the rest of it. Half a pair of surrogates is no character, and U+FFFD takes
// its place, as in encoding/json.
func escaped(text string) (rune, string) {
	r, text := fourDigits(text), text[4:]
	if !utf16.IsSurrogate(r) {
		return r, text
	}
	if strings.HasPrefix(text, `\u`) {
		if pair := utf16.DecodeRune(r, fourDigits(text[2:])); pair != utf8.RuneError {
			return pair, text[6:]
		}
	}
	return utf8.RuneError, text
}

func fourDigits(text string) rune {
	r := 0
	for i := range 4 {
		r = r<<4 | hexadecimal(text[i])
	}
	return rune(r)
}

// hexadecimal is the value of a digit; -1 of what is none.
func hexadecimal(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// lineOf copies a line, which may be overwritten later. What is no UTF-8 is replaced by U+FFFD, byte for byte, as encoding/json does it in strings:
// a sensor prints paths and commands that somebody else chose, so that a refusal would let them hide an event.
func lineOf(line []byte) string {
	if utf8.Valid(line) {
		return string(line)
	}
	return strings.Map(func(r rune) rune { return r }, string(line))
}
