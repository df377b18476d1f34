package approvals

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Piece of a stranger's text: as it is, or a character that would hide and is written out.
type Piece struct {
	Text    string
	Visible bool // written out, as U+202E
}

// maxMarks are the combining marks that one letter may carry, as in Vietnamese. More pile up over their neighbours.
const maxMarks = 3

// Pieces cuts a stranger's text such that nothing in it is hidden: not the characters that turn the direction of writing, nor those without width, nor
// those that break a line, command a terminal, or look like nothing.
func Pieces(s string) []Piece {
	var list []Piece
	plain := strings.Builder{}
	flush := func() {
		if plain.Len() > 0 {
			list = append(list, Piece{plain.String(), false})
			plain.Reset()
		}
	}
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
		flush()
		list = append(list, Piece{written(r), true})
	}
	flush()
	return list
}

// Visible is a stranger's text as a terminal may have it.
func Visible(s string) string {
	var out strings.Builder
	for _, p := range Pieces(s) {
		if p.Visible && p.Text[0] == 'U' {
			out.WriteString("<" + p.Text + ">")
			continue
		}
		out.WriteString(p.Text)
	}
	return out.String()
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
	return !unicode.IsPrint(r) // controls, formats such as those of bidi, separators, spaces but one, private and unassigned
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
