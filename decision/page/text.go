package page

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scripts that have letters in common by their looks.
var scripts = []struct {
	name  string
	table *unicode.RangeTable
}{{"Latin", unicode.Latin}, {"Greek", unicode.Greek}, {"Cyrillic", unicode.Cyrillic}, {"Armenian", unicode.Armenian}, {"Cherokee", unicode.Cherokee}, {"Coptic", unicode.Coptic}}

// mixed names the alphabets of a text in which one word uses more than one of those that look alike: a Cyrillic а in a Latin name. Empty: there is none.
func mixed(s string) string {
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		var found []string
		for _, script := range scripts {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(script.table, r) }) {
				found = append(found, script.name)
			}
		}
		if len(found) > 1 {
			return strings.Join(found, " and ")
		}
	}
	return ""
}

// cut a text where it is long: what is shown at once, and the rest.
func cut(s string, runes int) (head, rest string) {
	n := 0
	for i := range s {
		if n == runes {
			return s[:i], s[i:]
		}
		n++
	}
	return s, ""
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	s = string(unicode.ToUpper(r)) + s[size:]
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}
