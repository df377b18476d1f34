package events

import (
	"errors"
	"fmt"
)

func parseFalco(line string) (*Event, error) {
	e := &Event{fields: make([]field, 0, usual)}
	var output, tags string
	err := members(line, func(name, value string) {
		switch name {
		case "output_fields":
			output = value
		case "tags":
			tags = value
		default:
			e.add(name, value)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoObject, err)
	}
	e.own = len(e.fields)
	if output != "" && output != "null" && members(output, e.add) != nil {
		return nil, fmt.Errorf("output_fields: %w", errNoObject)
	}
	if tags != "" && tags != "null" && !e.tag(tags) {
		return nil, errors.New("tags is no list of texts")
	}
	return e, nil
}

// tag reads a list of texts.
func (e *Event) tag(list string) bool {
	texts := true
	e.Tags = make([]string, 0, 4)
	err := elements(list, func(value string) {
		text, is := textOf(value)
		texts = texts && (is || value == "null")
		e.Tags = append(e.Tags, text)
	})
	return err == nil && texts
}
