// Package events makes rows of numbers of events: Falco's, alone or as falcosidekick sends them, and calls between agents. Which numbers, a
// security person says in a Features document, and a model carries the one that it was trained with.
package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Event is what a line of JSON says: the keys of the object, and those of its `output_fields`, as text. Every key may be absent; null is absent
// too. What is neither text, number nor boolean is kept as its JSON.
type Event struct {
	Fields map[string]string
	Tags   []string
}

// MaxLine is how many bytes an event may have.
const MaxLine = 1 << 20

var errNoObject = errors.New("is no JSON object")

// Parse reads an event of a source, as in a Features document.
func Parse(line []byte, source string) (*Event, error) {
	if source == SourceCalls {
		return nil, errors.New("calls cannot be read yet")
	}
	return parseFalco(line)
}

// Sources of events.
const (
	SourceFalco = "falco"
	SourceCalls = "a2a"
)

// Get the value of a field.
func (e *Event) Get(name string) (string, bool) {
	value, there := e.Fields[name]
	return value, there
}

func parseFalco(line []byte) (*Event, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoObject, err)
	}
	if keys == nil {
		return nil, errNoObject
	}
	e := &Event{Fields: make(map[string]string, len(keys)+16)}
	for name, raw := range keys {
		switch name {
		case "output_fields":
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(raw, &fields); err != nil {
				return nil, fmt.Errorf("output_fields: %w", errNoObject)
			}
			for name, raw := range fields {
				e.set(name, raw)
			}
		case "tags":
			if err := json.Unmarshal(raw, &e.Tags); err != nil {
				return nil, errors.New("tags is no list of texts")
			}
		}
	}
	for name, raw := range keys {
		if name != "output_fields" && name != "tags" {
			e.set(name, raw) // last: what an output field is called must not hide the event's own
		}
	}
	return e, nil
}

func (e *Event) set(name string, raw json.RawMessage) {
	text := string(raw)
	switch {
	case text == "null":
		return
	case strings.HasPrefix(text, `"`):
		if !strings.Contains(text, `\`) {
			text = text[1 : len(text)-1]
		} else if json.Unmarshal(raw, &text) != nil {
			return
		}
	}
	e.Fields[name] = text
}
