package trace

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

const clock = "2006-01-02T15:04:05.000Z"

// Text writes a report for people: one line per step.
func (r *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if r.TraceID != "" {
		r.steps(t)
	}
	if r.Network != nil {
		r.Network.text(t)
	}
	if r.Passed > 0 {
		fmt.Fprintf(t, "%d lines of the logs are no records and were passed over: agentd audit verify says where\n", r.Passed)
	}
	return t.Flush()
}

func (r *Report) steps(t *tabwriter.Writer) {
	if len(r.Steps) == 0 {
		fmt.Fprintf(t, "no log speaks of the trace %s\n", plain(r.TraceID))
		return
	}
	for _, s := range r.Steps {
		what := s.What
		if s.Record.Source != "" && s.Record.Destination != "" {
			what += fmt.Sprintf("; %s → %s", s.Record.Source, s.Record.Destination)
		}
		if s.Seen != nil {
			what += ", seen by Hubble"
		}
		if s.TraceID != "" {
			what += "; in trace " + s.TraceID
		}
		row(t, at(s.Time), s.Kind, s.Who, what, fmt.Sprintf("%s#%d", s.Log, s.Seq))
	}
	fmt.Fprintf(t, "outcome: %s\n", plain(r.Outcome))
}

func (n *Network) text(t *tabwriter.Writer) {
	fmt.Fprintf(t, "possible bypasses, connections to guards without a decision: %d\n", len(n.Bypasses))
	for _, c := range n.Bypasses {
		row(t, at(c.First), "flow", arrow(c.From, c.To), fmt.Sprintf("%s → %s, %d flows", c.Source, c.Destination, c.Flows), c.Node)
	}
	fmt.Fprintf(t, "decisions without a flow: %d\n", len(n.Unseen))
	for _, d := range n.Unseen {
		who := arrow(short(d.Caller), d.Callee)
		if d.Skill != "" {
			who += "/" + d.Skill
		}
		row(t, at(d.Time), "decision", who, fmt.Sprintf("%s; %s → %s", d.Verdict, d.Source, d.Destination), fmt.Sprintf("%s#%d", d.Log, d.Seq))
	}
	fmt.Fprintf(t, "%d flows of TCP; %d lines passed over; %d times Hubble lost some\n", n.Flows, n.Passed, n.Lost)
}

func at(when time.Time) string { return when.UTC().Format(clock) }

// row of a table. What strangers wrote must not move the cursor.
func row(t *tabwriter.Writer, cells ...string) {
	for i, c := range cells {
		cells[i] = plain(c)
	}
	fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
