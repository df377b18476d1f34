package events

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"agentc/forest"
)

// Stream reads events, one JSON object a line, plain or gzip, in bounded memory.
type Stream struct {
	lines  *bufio.Reader
	source string
	line   int
	long   []byte
}

// NewStream of a file of events of a source, as in a Features document.
func NewStream(r io.Reader, source string) (*Stream, error) {
	lines, err := forest.Unpacked(r)
	if err != nil {
		return nil, err
	}
	return &Stream{lines: lines, source: source}, nil
}

// DamagedError is a line that is no event. The next one may be.
type DamagedError struct {
	Line int
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%d: %v", e.Line, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

var errLong = fmt.Errorf("is longer than %d bytes", MaxLine)

// Next is the next event; a *DamagedError for a line that is none; io.EOF at the end. Empty lines are passed over.
func (s *Stream) Next() (*Event, error) {
	line, err := s.Line()
	if err != nil {
		return nil, err
	}
	e, err := Parse(line, s.source)
	if err != nil {
		return nil, &DamagedError{s.line, err}
	}
	return e, nil
}

// Line is the next line that is not empty, good until the one after it; a *DamagedError for one that is too long; io.EOF at the end.
func (s *Stream) Line() ([]byte, error) {
	for {
		line, err := s.next()
		if len(line) == 0 && err != nil && !errors.Is(err, errLong) {
			return nil, err
		}
		s.line++
		if errors.Is(err, errLong) {
			return nil, &DamagedError{s.line, err}
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// next is a line, good until the one after it. Of a line that is too long nothing is kept.
func (s *Stream) next() ([]byte, error) {
	s.long = s.long[:0]
	for {
		part, err := s.lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull) || len(s.long) > 0:
			if len(s.long)+len(part) > MaxLine {
				return nil, errors.Join(errLong, s.skip(err))
			}
			s.long = append(s.long, part...)
			if !errors.Is(err, bufio.ErrBufferFull) {
				return s.long, err
			}
		default:
			return part, err
		}
	}
}

// skip reads to the end of the line.
func (s *Stream) skip(err error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = s.lines.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) {
		return nil // the next read says so
	}
	return err
}
