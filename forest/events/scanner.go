package events

import (
	"errors"
	"fmt"
)

// A scanner of JSON: one pass over a line, and nothing is copied. It takes what encoding/json takes and refuses what that refuses, which a fuzz
// test holds it to; it is here because most of an event's time went there, into maps and copies of values that no feature asks for.

// scanner walks over one JSON text.
type scanner struct {
	text  string
	at    int
	depth int
}

// maxDepth of objects and lists in each other: encoding/json's.
const maxDepth = 10_000

var (
	errDeep = errors.New("is nested too deeply")
	errEnds = errors.New("ends too early")
)

// members calls a function with each member of the object that a text is: its name, and its value as JSON. Nothing may follow the object.
func members(text string, each func(name, value string)) error {
	s := scanner{text: text}
	return s.whole('{', func() error { return s.object(each) })
}

// elements calls a function with each element of the list that a text is, as JSON.
func elements(text string, each func(value string)) error {
	s := scanner{text: text}
	return s.whole('[', func() error { return s.list(each) })
}

// whole scans a text that begins with a byte, and has nothing but space around what a function scans.
func (s *scanner) whole(first byte, scan func() error) error {
	s.space()
	if s.at == len(s.text) || s.text[s.at] != first {
		return s.wrong()
	}
	if err := scan(); err != nil {
		return err
	}
	if s.space(); s.at < len(s.text) {
		return s.wrong()
	}
	return nil
}

// wrong is the error of a text that cannot go on as it does.
func (s *scanner) wrong() error {
	if s.at >= len(s.text) {
		return errEnds
	}
	return fmt.Errorf("byte %d is out of place", s.at+1)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next passes a byte, if it is the next one.
func (s *scanner) next(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value passes any value.
func (s *scanner) value() error {
	if s.at == len(s.text) {
		return errEnds
	}
	switch s.text[s.at] {
	case '"':
		return s.string()
	case '{':
		return s.object(nil)
	case '[':
		return s.list(nil)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// object passes an object, whose bracket is next.
func (s *scanner) object(each func(name, value string)) error {
	if s.depth++; s.depth > maxDepth {
		return errDeep
	}
	s.at++
	if s.space(); s.next('}') {
		s.depth--
		return nil
	}
	for {
		from := s.at
		if err := s.string(); err != nil {
			return err
		}
		name := s.text[from:s.at]
		if s.space(); !s.next(':') {
			return s.wrong()
		}
		s.space()
		from = s.at
		if err := s.value(); err != nil {
			return err
		}
		if each != nil {
			each(unquoted(name), s.text[from:s.at])
		}
		if s.space(); s.next('}') {
			s.depth--
			return nil
		}
		if !s.next(',') {
			return s.wrong()
		}
		s.space()
	}
}

// list passes a list, whose bracket is next.
func (s *scanner) list(each func(value string)) error {
	if s.depth++; s.depth > maxDepth {
		return errDeep
	}
	s.at++
	if s.space(); s.next(']') {
		s.depth--
		return nil
	}
	for {
		from := s.at
		if err := s.value(); err != nil {
			return err
		}
		if each != nil {
			each(s.text[from:s.at])
		}
		if s.space(); s.next(']') {
			s.depth--
			return nil
		}
		if !s.next(',') {
			return s.wrong()
		}
		s.space()
	}
}

// ends are the bytes at which a string is no longer passed over blindly: its end, an escape, and what must be escaped.
var ends = func() (t [256]bool) {
	for c := range byte(' ') {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// plain says whether eight bytes have no end among them. It looks at all of them at once: a byte that is less than another, and less than 128,
// leaves its highest bit set when the other is taken from it. It may find one byte too many behind an end, and none too few.
func plain(eight string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	w := uint64(eight[0]) | uint64(eight[1])<<8 | uint64(eight[2])<<16 | uint64(eight[3])<<24 |
		uint64(eight[4])<<32 | uint64(eight[5])<<40 | uint64(eight[6])<<48 | uint64(eight[7])<<56
	control, quote, escape := w-' '*ones, (w^'"'*ones)-ones, (w^'\\'*ones)-ones
	return (control|quote|escape)&^w&high == 0
}

// string passes a string.
func (s *scanner) string() error {
	if !s.next('"') {
		return s.wrong()
	}
	text, at := s.text, s.at
	for at < len(text) {
		for at+8 <= len(text) && plain(text[at:at+8]) {
			at += 8
		}
		for at < len(text) && !ends[text[at]] {
			at++
		}
		if at == len(text) {
			break
		}
		s.at = at
		switch {
		case text[at] == '"':
			s.at++
			return nil
		case text[at] != '\\':
			return s.wrong()
		}
		if err := s.escape(); err != nil {
			return err
		}
		at = s.at
	}
	return errEnds
}

// escape passes a backslash and what it stands before.
func (s *scanner) escape() error {
	s.at++
	if s.at == len(s.text) {
		return errEnds
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		s.at++
		for range 4 {
			if s.at == len(s.text) || hexadecimal(s.text[s.at]) < 0 {
				return s.wrong()
			}
			s.at++
		}
		return nil
	default:
		return s.wrong()
	}
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if !s.next(word[i]) {
			return s.wrong()
		}
	}
	return nil
}

// number passes a number: 0, -7, 1.5, 2e-3; neither 07 nor .5 nor 1. is one.
func (s *scanner) number() error {
	s.next('-')
	if !s.next('0') && !s.digits() {
		return s.wrong()
	}
	if s.next('.') && !s.digits() {
		return s.wrong()
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		if !s.digits() {
			return s.wrong()
		}
	}
	return nil
}

// digits passes one or more.
func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at > from
}
