// Package synthetic makes streams of events for tests and demonstrations: Falco's, of what the workloads of a shop do every day and of attacks that
// are called as Falco's own rules call them; and calls between the agents of a security fleet. Every event says that it is synthetic, and whether it
// belongs to an incident. How good a forest is, real data says; here it can be tried.
package synthetic

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Options of a stream. The same options make the same stream.
type Options struct {
	Seed      uint64
	Events    int
	Incidents float64 // share of the events that belong to incidents
	Start     time.Time
	Length    time.Duration // from the first event to the last
}

// at is when an event of a number happens.
func (o Options) at(i int) time.Time {
	return o.Start.Add(time.Duration(float64(o.Length) * float64(i) / float64(o.Events))).UTC()
}

// made is an event that was made up.
type made struct {
	event    any
	at       time.Time
	incident bool
}

// Write writes a stream of Falco events, a JSON object a line, in the order of time.
func Write(w io.Writer, o Options) error { return write(w, o, falco) }

// Calls writes a stream of calls, a JSON object a line, in the order of time.
func Calls(w io.Writer, o Options) error { return write(w, o, calls) }

func write(w io.Writer, o Options, stream func(Options, func(made) error) error) error {
	lines := linesTo(w)
	return stream(o, func(m made) error { return lines.Encode(m.event) })
}

func linesTo(w io.Writer) *json.Encoder {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	return lines
}

// label is what an analyst would say of an event.
type label struct {
	Event   any    `json:"event"`
	Verdict string `json:"verdict"`
	By      string `json:"by"`
	Day     string `json:"day"`
}

// Labels writes the labels of a stream of a source, falco or a2a: one for each event of an incident, and about as many for others.
func Labels(w io.Writer, source string, o Options) error {
	stream, known := map[string]func(Options, func(made) error) error{"falco": falco, "a2a": calls}[source]
	if !known {
		return fmt.Errorf("source %q; there are falco and a2a", source)
	}
	random := rand.New(rand.NewPCG(o.Seed, 0x1abe1))
	lines := linesTo(w)
	return stream(o, func(m made) error {
		l := label{m.event, "incident", "synthetic@example.com", m.at.Format(time.DateOnly)}
		if !m.incident {
			if random.Float64() >= o.Incidents {
				return nil
			}
			l.Verdict = "benign"
		}
		return lines.Encode(l)
	})
}
