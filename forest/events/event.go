// Package events makes rows of numbers of events: Falco's, alone or as falcosidekick sends them, and calls between agents. Which numbers, a
// security person says in a Features document, and a model carries the one that it was trained with.
package events

import (
	"errors"
	"time"
)

// Event is what a line of JSON says, as fields of text. Of Falco's these are the keys of the object, and those of its `output_fields`; of a call
// those that parseCall names. Every field may be absent; null is absent too. Of keys that are there twice the last counts. What is neither text,
// number nor boolean is kept as its JSON. What is no UTF-8 is U+FFFD. An event keeps nothing of the bytes that it was read from.
type Event struct {
	Tags []string

	fields []field // in the order of the line, the event's own first
	own    int     // how many are the event's own; those behind them were printed by a rule
}

// field of an event. A null is kept, for it takes the place of what the key said before.
type field struct {
	name, value string
	null        bool
}

// MaxLine is how many bytes an event may have.
const MaxLine = 1 << 20

// usual is how many fields an event has room for at first.
const usual = 32

var errNoObject = errors.New("is no JSON object")

// Parse reads an event of a source, as in a Features document.
func Parse(line []byte, source string) (*Event, error) {
	if source == SourceCalls {
		return parseCall(lineOf(line))
	}
	return parseFalco(lineOf(line))
}

// Sources of events.
const (
	SourceFalco = "falco"
	SourceCalls = "a2a"
)

// Get the value of a field. What an output field is called does not hide the event's own.
func (e *Event) Get(name string) (string, bool) {
	if text, there := e.Own(name); there {
		return text, true
	}
	output := last(e.fields[e.own:], name)
	if output == 0 {
		return "", false
	}
	return e.at(e.own + output)
}

// Own is the value of a field of the event itself, which no rule printed.
func (e *Event) Own(name string) (string, bool) { return e.at(last(e.fields[:e.own], name)) }

// Time at which the event says that it happened.
func (e *Event) Time() (at time.Time, known bool) {
	text, _ := e.Own("time")
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// last is the number of the last field of a name, from 1; 0 where there is none.
func last(fields []field, name string) int {
	for i := len(fields); i > 0; i-- {
		if fields[i-1].name == name {
			return i
		}
	}
	return 0
}

// at is the value of the field of a number.
func (e *Event) at(number int) (string, bool) {
	if number == 0 || e.fields[number-1].null {
		return "", false
	}
	return e.fields[number-1].value, true
}

// all fields that have a value.
func (e *Event) all() map[string]string {
	all := make(map[string]string, len(e.fields))
	for _, part := range [][]field{e.fields[e.own:], e.fields[:e.own]} {
		said := make(map[string]field, len(part))
		for _, f := range part {
			said[f.name] = f
		}
		for name, f := range said {
			if !f.null {
				all[name] = f.value
			}
		}
	}
	return all
}

// add a field, whose value is JSON.
func (e *Event) add(name, value string) {
	text, is := textOf(value)
	if !is {
		text = value
	}
	e.fields = append(e.fields, field{name, text, value == "null"})
}
