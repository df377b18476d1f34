package mattermost

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible writes text of somebody whom we do not trust so that it can stand in code: on one line, with every character that ends code, hides, turns or
// forges text as \u and its number. Nothing is left out, and two texts never look alike by it.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\\':
			b.WriteString(`\\`)
		case plain(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// plain says that a character is shown as it is. Backquotes end code; angle brackets and at signs mean something to programs that look at messages without
// reading Markdown; marks and formats move, hide or cover what stands beside them.
func plain(r rune) bool {
	switch r {
	case ' ':
		return true
	case '`', '<', '>', '@':
		return false
	case '\u115F', '\u1160', '\u3164', '\uFFA0', '\u2800': // letters without ink
		return false
	}
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.In(r, unicode.M, unicode.Cf, unicode.Zl, unicode.Zp)
}

// code shows an untrusted text within a line.
func code(s string, limit int) string {
	s, left := cut(visible(s), limit)
	if s == "" {
		return "–"
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' { // Markdown would leave them out
		s = strings.ReplaceAll(s, " ", "·")
	}
	if left > 0 {
		return fmt.Sprintf("`%s` … (%d more)", s, left)
	}
	return "`" + s + "`"
}

// cut a text after some characters, and say how many are left.
func cut(s string, limit int) (string, int) {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i], utf8.RuneCountInString(s[i:])
		}
		n++
	}
	return s, 0
}

// block shows lines that visible has been through.
func block(lines string) string { return "```\n" + lines + "\n```" }
