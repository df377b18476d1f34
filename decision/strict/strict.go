// Package strict reads JSON of strangers. What two readers could understand in two ways is refused: a key that comes twice or in other letters, text
// that is no UTF-8, anything behind the value. Otherwise one reader might permit what another then does.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a value.
const (
	MaxBytes = 256 << 10
	maxDepth = 64
	maxNames = 10_000 // of all objects
)

// Error says why a value is refused.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

// Read reads one value: objects as map[string]any, lists as []any, numbers as they are written.
func Read(r io.Reader) (any, error) {
	d := decoders.Get().(*decoder)
	value, err := d.read(r)
	if d.text.Cap() <= maxKept {
		decoders.Put(d)
	}
	return value, err
}

// decoders that have nothing to do. What they read is copied, and none of it is a value's.
var decoders = sync.Pool{New: func() any { return &decoder{Decoder: new(jsontext.Decoder)} }}

// maxKept is the largest room for a text that is kept for the next.
const maxKept = 16 << 10

func (d *decoder) read(r io.Reader) (any, error) {
	d.text.Reset()
	d.limit = io.LimitedReader{R: r, N: MaxBytes + 1}
	_, err := d.text.ReadFrom(&d.limit)
	d.limit.R = nil
	if err != nil {
		return nil, err
	}
	if d.text.Len() > MaxBytes {
		return nil, &Error{fmt.Sprintf("it is larger than %d KiB", MaxBytes>>10)}
	}
	d.Reset(&d.text) // it refuses keys that come twice, and what is no UTF-8
	d.names = 0
	value, err := d.value()
	if err != nil {
		return nil, refusal(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &Error{"something stands behind the value"}
	}
	return value, nil
}

// refusal is what the decoder says, without the text that it is about: that belongs to a stranger.
func refusal(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{"it ends too early"}
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return &Error{fmt.Sprintf("at byte %d a key comes twice", syntax.ByteOffset)}
	case errors.As(err, &syntax):
		return &Error{fmt.Sprintf("it is no JSON from byte %d on", syntax.ByteOffset)}
	}
	return err
}

type decoder struct {
	*jsontext.Decoder
	text  bytes.Buffer
	limit io.LimitedReader
	names int // that were read
}

func (d *decoder) value() (any, error) {
	if d.StackDepth() > maxDepth {
		return nil, &Error{fmt.Sprintf("it is nested deeper than %d", maxDepth)}
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '{':
		return d.object()
	case '[':
		return d.list()
	case '"':
		return t.String(), nil
	case '0':
		return json.Number(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

func (d *decoder) object() (any, error) {
	object, seen := map[string]any{}, names{}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := t.String()
		if d.names++; d.names > maxNames {
			return nil, &Error{fmt.Sprintf("it has more than %d keys", maxNames)}
		}
		if !seen.add(name) {
			return nil, &Error{fmt.Sprintf("before byte %d a key comes again in other letters", d.InputOffset())}
		}
		if object[name], err = d.value(); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return object, err
}

func (d *decoder) list() (any, error) {
	list := []any{}
	for d.PeekKind() != ']' {
		value, err := d.value()
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.ReadToken()
	return list, err
}

// few is how many names are compared one by one.
const few = 8

// names of an object. Two are the same if Go's encoding/json, as many agents use it, takes them for one.
type names struct {
	first  [few]string
	count  int
	folded map[string]bool // of more than a few
}

// add a name, unless it is there.
func (n *names) add(name string) bool {
	if n.count < few {
		for _, other := range n.first[:n.count] {
			if strings.EqualFold(name, other) {
				return false
			}
		}
		n.first[n.count] = name
		n.count++
		return true
	}
	if n.folded == nil {
		n.folded = map[string]bool{}
		for _, other := range n.first {
			n.folded[fold(other)] = true
		}
	}
	f := fold(name)
	there := n.folded[f]
	n.folded[f] = true
	return !there
}

// fold is the same for names that strings.EqualFold takes for one.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name)
}
