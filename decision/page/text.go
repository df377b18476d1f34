package page

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// piece of a stranger's text: as it is, or a character that must be seen.
type piece struct {
	Text    string
	Visible bool // written out: U+202E
}

// maxMarks are the combining marks that one letter may carry, as in Vietnamese. More pile up over their neighbours.
const maxMarks = 3

// text cuts a stranger's text into pieces, such that nothing in it is hidden: not the characters that turn the direction of writing, nor those without
// width, nor those that break a line or come from no alphabet.
func text(s string) []piece {
	var list []piece
	plain := strings.Builder{}
	marks := 0
	for i, r := range s {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		_, width := utf8.DecodeRuneInString(s[i:])
		if !hides(r) && marks <= maxMarks && !(r == utf8.RuneError && width == 1) {
			plain.WriteRune(r)
			continue
		}
		if plain.Len() > 0 {
			list = append(list, piece{plain.String(), false})
			plain.Reset()
		}
		list = append(list, piece{written(r), true})
	}
	if plain.Len() > 0 {
		list = append(list, piece{plain.String(), false})
	}
	return list
}

// blank are letters that look like nothing.
var blank = []rune{0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x17B4, 0x17B5, 0x034F}

func hides(r rune) bool {
	switch {
	case r == ' ':
		return false
	case slices.Contains(blank, r), r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF, r >= 0x180B && r <= 0x180F:
		return true
	}
	return !unicode.IsPrint(r) // controls, formats such as bidi's, separators, spaces but one, private and unassigned
}

func written(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	}
	return fmt.Sprintf("U+%04X", r)
}

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
