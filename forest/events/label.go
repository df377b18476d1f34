package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Label is what an analyst said of an event.
type Label struct {
	Event    *Event
	Incident bool   // else it was benign
	By       string // an email address
	Day      string // 2026-11-03
	Reason   string
	Line     int // of the file
}

// labelKeys of a label as it is written, a JSON object a line. The order of the lines is that in which a forest learns from them.
var labelKeys = []string{"event", "verdict", "by", "day", "reason"}

// maxLabels of a file: people wrote them, and people read them again.
const maxLabels = 100_000

// ReadLabels reads a file of labels of events of a source. It is a file under review, so that a damaged line ends it.
func ReadLabels(r io.Reader, source string) ([]Label, error) {
	s, err := NewStream(r, source)
	if err != nil {
		return nil, err
	}
	var all []Label
	for {
		line, err := s.Line()
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		l, err := parseLabel(line, source)
		if err == nil && len(all) == maxLabels {
			err = fmt.Errorf("is one label more than the %d that are read", maxLabels)
		}
		if err != nil {
			return nil, &DamagedError{s.line, err}
		}
		l.Line = s.line
		all = append(all, l)
	}
}

func parseLabel(line []byte, source string) (l Label, err error) {
	said, err := labelOf(line)
	if err != nil {
		return Label{}, err
	}
	text := map[string]string{}
	for _, key := range labelKeys[1:] {
		value := said[key]
		if value == nil {
			continue
		}
		var t string
		if err := json.Unmarshal(value, &t); err != nil {
			return Label{}, fmt.Errorf("%s is %s; it is a text", key, value)
		}
		text[key] = t
	}
	_, day := time.Parse(time.DateOnly, text["day"])
	switch verdict := text["verdict"]; {
	case said["event"] == nil:
		return Label{}, errors.New("event is missing")
	case verdict != "incident" && verdict != "benign":
		return Label{}, fmt.Errorf("verdict is %q; it is incident or benign", verdict)
	case text["by"] == "":
		return Label{}, errors.New("by is missing; it says whose verdict it is")
	case day != nil:
		return Label{}, fmt.Errorf("day is %q; it is a day as in 2026-11-03", text["day"])
	}
	e, err := Parse(said["event"], source)
	if err != nil {
		return Label{}, fmt.Errorf("event: %w", err)
	}
	return Label{Event: e, Incident: text["verdict"] == "incident", By: text["by"], Day: text["day"], Reason: text["reason"]}, nil
}

// labelOf takes a label apart. Whoever reads the file must read what counts: no key comes twice, or in other letters.
func labelOf(line []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errNoObject
	}
	said := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoObject, err)
		}
		key, _ := token.(string)
		var value json.RawMessage
		switch err := d.Decode(&value); {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errNoObject, err)
		case !slices.Contains(labelKeys, key):
			return nil, fmt.Errorf("has no key %q; it has %s", key, strings.Join(labelKeys, ", "))
		case said[key] != nil:
			return nil, fmt.Errorf("says %s twice", key)
		}
		if string(value) != "null" {
			said[key] = value
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoObject, err)
	}
	if d.More() {
		return nil, errors.New("goes on after the label")
	}
	return said, nil
}

// Incidents says of which events analysts said what, by the events' ids. Of two verdicts the later one counts.
func Incidents(labels []Label) map[string]bool {
	all := map[string]bool{}
	for _, l := range labels {
		all[l.Event.ID()] = l.Incident
	}
	return all
}

// Bare says that an event is but its uuid: whoever means another by it must find that.
func (e *Event) Bare() bool {
	id, _ := e.Own("uuid")
	return id != "" && len(e.fields) == 1 && len(e.Tags) == 0
}

// ID tells one event from another: its uuid, which falcosidekick gives it, or else a digest of all that it says.
func (e *Event) ID() string {
	if id, _ := e.Own("uuid"); id != "" {
		return id
	}
	h := sha256.New()
	fields := e.all()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(h, "%q %q ", name, fields[name])
	}
	fmt.Fprintf(h, "%q", e.Tags)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
