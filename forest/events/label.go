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
	"time"
)

// Label is what an analyst said of an event.
type Label struct {
	Event    *Event
	Incident bool   // else it was benign
	By       string // an email address
	Day      string // 2026-11-03
	Reason   string
}

// label as it is written, a line of JSON each. The order of the lines is that in which a forest learns from them.
type label struct {
	Event   json.RawMessage `json:"event"`
	Verdict string          `json:"verdict"`
	By      string          `json:"by"`
	Day     string          `json:"day"`
	Reason  string          `json:"reason,omitempty"`
}

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
		if err != nil {
			return nil, &DamagedError{s.line, err}
		}
		all = append(all, l)
	}
}

func parseLabel(line []byte, source string) (Label, error) {
	var in label
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Label{}, err
	}
	if d.More() {
		return Label{}, errors.New("goes on after the label")
	}
	_, day := time.Parse(time.DateOnly, in.Day)
	switch {
	case in.Verdict != "incident" && in.Verdict != "benign":
		return Label{}, fmt.Errorf("verdict is %q; it is incident or benign", in.Verdict)
	case in.By == "":
		return Label{}, errors.New("by is missing; it says whose verdict it is")
	case day != nil:
		return Label{}, fmt.Errorf("day is %q; it is a day as in 2026-11-03", in.Day)
	}
	e, err := Parse(in.Event, source)
	if err != nil {
		return Label{}, fmt.Errorf("event: %w", err)
	}
	return Label{e, in.Verdict == "incident", in.By, in.Day, in.Reason}, nil
}

// Incidents says of which events analysts said what, by the events' ids. Of two verdicts the later one counts.
func Incidents(labels []Label) map[string]bool {
	all := map[string]bool{}
	for _, l := range labels {
		all[l.Event.ID()] = l.Incident
	}
	return all
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
