package artifact

import (
	"bytes"
	"strconv"
	"strings"
)

// tracer notes, while a value is encoded, where in the output each part of it begins.
type tracer struct {
	path  []byte // of the value being written
	marks []mark // by offset
}

// mark says that what begins at an offset of the output is the value at a path.
type mark struct {
	offset int
	path   string
}

// enterKey extends the path by a key, and returns what leave needs to take it back.
func (t *tracer) enterKey(name string, offset int) (outside int) {
	outside = len(t.path)
	switch {
	case name == "" || strings.ContainsAny(name, "./[]\"\\ \t\r\n"):
		t.path = append(t.path, '[')
		t.path = strconv.AppendQuote(t.path, name)
		t.path = append(t.path, ']')
	default:
		if outside > 0 {
			t.path = append(t.path, '.')
		}
		t.path = append(t.path, name...)
	}
	t.marks = append(t.marks, mark{offset, string(t.path)})
	return outside
}

func (t *tracer) enterItem(i, offset int) (outside int) {
	outside = len(t.path)
	t.path = append(t.path, '[')
	t.path = strconv.AppendInt(t.path, int64(i), 10)
	t.path = append(t.path, ']')
	t.marks = append(t.marks, mark{offset, string(t.path)})
	return outside
}

func (t *tracer) leave(outside int) { t.path = t.path[:outside] }

// forget drops what was noted of output that is taken back.
func (t *tracer) forget(from int) {
	for len(t.marks) > 0 && t.marks[len(t.marks)-1].offset >= from {
		t.marks = t.marks[:len(t.marks)-1]
	}
}

// Trace finds what stands on a line (from 1) of the file that the objects make, in the order of Tree.Objects: the object,
// and the path of the value that begins there or goes on there. The line between two documents counts as the one below
// it. Both results are zero for the comment on top and beyond the end.
func Trace(objects []Object, line int) (*Object, string) {
	line -= bytes.Count([]byte(header), newline)
	for i := range objects {
		if i > 0 {
			line -= bytes.Count([]byte(separator), newline)
		}
		var e encoder
		e.trace = &tracer{}
		if err := e.document(objects[i].Value); err != nil {
			return nil, ""
		}
		if lines := bytes.Count(e.out, newline); line > lines {
			line -= lines
			continue
		}
		if line < 1 && i == 0 {
			return nil, ""
		}
		return &objects[i], e.pathOn(line)
	}
	return nil, ""
}

var newline = []byte("\n")

// pathOn is the path of the last value that begins on a line of the output or above it.
func (e *encoder) pathOn(line int) string {
	end := 0
	for range line {
		end += bytes.IndexByte(e.out[end:], '\n') + 1
	}
	path := ""
	for _, m := range e.trace.marks {
		if m.offset >= end {
			break
		}
		path = m.path
	}
	return path
}
