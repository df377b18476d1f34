package artifact

import (
	"fmt"
	"reflect"
)

// The YAML encoder. It means what encoding/json followed by sigs.k8s.io/yaml would mean, and costs a small part of it: it
// walks the Go value once, appending to one buffer, with a plan per type that is made on first use. Two things differ:
//
//   - A member without a value is not written: no null, hence no `creationTimestamp: null`, and no `status` that is the
//     zero value of its type, since status belongs to the cluster.
//   - Text stays plain only where no YAML reader, of version 1.1 or 1.2, could take it for anything else.
//
// It writes block style, two spaces deep, dashes in the column of their key, and never folds a line. It refuses channels,
// functions, NaN, infinities and text that is not UTF-8.

// YAML writes a value as one YAML document, without `---` and with a newline at the end.
func YAML(v any) ([]byte, error) {
	var e encoder
	if err := e.document(v); err != nil {
		return nil, err
	}
	return e.out, nil
}

type encoder struct {
	out   []byte
	err   error   // the first one; what is written after it does not matter
	depth int     // of lists and mappings
	trace *tracer // nil unless lines are traced
}

// maxDepth is deeper than any object, and keeps a value that contains itself from going on for ever.
const maxDepth = 500

// spot is where a value goes.
type spot struct {
	indent   int  // column of the value's keys or dashes, if it has any
	afterKey bool // `key:` stands before it on the line; otherwise nothing or dashes
}

// document writes a whole document over what the encoder held. A failure is met a second time with the path traced, so
// that the error can name it.
func (e *encoder) document(v any) error {
	e.write(v)
	if e.err != nil && e.trace == nil {
		e.trace = &tracer{}
		e.write(v)
	}
	return e.err
}

func (e *encoder) write(v any) {
	e.out, e.err, e.depth = e.out[:0], nil, 0
	if !e.value(reflect.ValueOf(v), spot{}) {
		e.scalar("null", spot{})
	}
}

// value writes any value, and reports false, with nothing written, where there is none: where JSON has null.
func (e *encoder) value(v reflect.Value, at spot) bool {
	if !v.IsValid() {
		return false
	}
	return encoderOf(v.Type())(e, v, at)
}

func (e *encoder) fail(format string, args ...any) {
	if e.err != nil {
		return
	}
	e.err = fmt.Errorf(format, args...)
	if e.trace != nil && len(e.trace.path) > 0 {
		e.err = fmt.Errorf("%s: %w", e.trace.path, e.err)
	}
}

// enter counts a list or mapping, and refuses to go too deep.
func (e *encoder) enter() bool {
	e.depth++
	if e.depth > maxDepth {
		e.fail("nested more than %d deep", maxDepth)
	}
	return e.err == nil
}

func (e *encoder) leave() { e.depth-- }

// scalar writes text that needs no quotes: a number, a boolean, an empty list.
func (e *encoder) scalar(text string, at spot) {
	e.space(at)
	e.out = append(e.out, text...)
	e.out = append(e.out, '\n')
}

func (e *encoder) space(at spot) {
	if at.afterKey {
		e.out = append(e.out, ' ')
	}
}

const blanks = "                                                                "

func (e *encoder) indent(n int) {
	for ; n > len(blanks); n -= len(blanks) {
		e.out = append(e.out, blanks...)
	}
	e.out = append(e.out, blanks[:n]...)
}

// startLine goes to the column where a key or dash belongs. The first one needs nothing where a dash or the start of the
// document stands before it.
func (e *encoder) startLine(at spot, column int, first bool) {
	if first && !at.afterKey {
		return
	}
	if first {
		e.out = append(e.out, '\n')
	}
	e.indent(column)
}

// mapping is a mapping half written.
type mapping struct {
	at      spot
	start   int  // of the present member
	outside int  // length of the traced path around it
	written bool // some member is
}

// begin writes a key, as keyOf gives it; the value goes to the spot returned, and end must follow.
func (m *mapping) begin(e *encoder, name string, key []byte) spot {
	m.start = len(e.out)
	e.startLine(m.at, m.at.indent, !m.written)
	if e.trace != nil {
		m.outside = e.trace.enterKey(name, len(e.out))
	}
	if len(key) > maxSimpleKey {
		return e.longKey(key, m.at.indent)
	}
	e.out = append(e.out, key...)
	e.out = append(e.out, ':')
	return spot{indent: m.at.indent + 2, afterKey: true}
}

// longKey writes a key that readers do not accept on the line of its value.
func (e *encoder) longKey(key []byte, column int) spot {
	e.out = append(e.out, "? "...)
	e.out = append(e.out, key...)
	e.out = append(e.out, '\n')
	e.indent(column)
	e.out = append(e.out, ':')
	return spot{indent: column + 2, afterKey: true}
}

// end takes the key back where it turned out that there is no value.
func (m *mapping) end(e *encoder, hasValue bool) {
	if e.trace != nil {
		e.trace.leave(m.outside)
	}
	if hasValue {
		m.written = true
		return
	}
	e.out = e.out[:m.start]
	if e.trace != nil {
		e.trace.forget(m.start)
	}
}

func (m *mapping) close(e *encoder) {
	if !m.written {
		e.scalar("{}", m.at)
	}
}

// list is a list half written.
type list struct {
	at      spot
	outside int
	items   int
}

// begin writes a dash; the item goes to the spot returned, and end must follow.
func (l *list) begin(e *encoder) spot {
	column := l.at.indent
	if l.at.afterKey {
		column -= 2
	}
	e.startLine(l.at, column, l.items == 0)
	if e.trace != nil {
		l.outside = e.trace.enterItem(l.items, len(e.out))
	}
	e.out = append(e.out, "- "...)
	l.items++
	return spot{indent: column + 2}
}

func (l *list) end(e *encoder, hasValue bool) {
	if !hasValue {
		e.scalar("null", spot{})
	}
	if e.trace != nil {
		e.trace.leave(l.outside)
	}
}

func (l *list) close(e *encoder) {
	if l.items == 0 {
		e.scalar("[]", l.at)
	}
}
