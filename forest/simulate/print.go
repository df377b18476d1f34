package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"agentc/forest/prefilter"
)

// JSON writes all figures.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// row of the table: what it says, now and then, and what becomes more or less.
type row struct{ says, now, then, change string }

// perDay of a number of events; of recordings that do not say when they were made, and of the shortest, the number itself.
func (r *Report) perDay(n int) float64 {
	if r.Days < 1.0/24 {
		return float64(n)
	}
	return float64(n) / r.Days
}

func (r *Report) daily() string {
	if r.Days < 1.0/24 {
		return ""
	}
	return " a day"
}

func (r *Report) rows() []row {
	var rows []row
	number := func(says string, now, then float64, digits int) {
		rows = append(rows, row{says, plain(now, digits), plain(then, digits), signed(then-now, digits)})
	}
	daily := func(says string, of func(Result) int) {
		if now, then := of(r.Now), of(r.Then); now > 0 || then > 0 {
			number(says+r.daily(), r.perDay(now), r.perDay(then), 0)
		}
	}
	daily("events passed on", func(s Result) int { return s.Passed })
	daily("  for their score", func(s Result) int { return s.Why[prefilter.Score] })
	daily("  always", func(s Result) int { return s.Why[prefilter.Always] })
	daily("  by lot", func(s Result) int { return s.Why[prefilter.Sample] })
	daily("  unjudged", func(s Result) int { return s.Why[prefilter.Failed] })
	if r.Events > 0 {
		number("share of all events, %", 100*float64(r.Now.Passed)/float64(r.Events), 100*float64(r.Then.Passed)/float64(r.Events), 2)
	}
	if r.Price > 0 {
		number("cost"+r.daily(), r.perDay(r.Now.Passed)*r.Price, r.perDay(r.Then.Passed)*r.Price, 2)
	}
	if r.Incidents > 0 {
		rows = append(rows, row{fmt.Sprintf("incidents caught, of %d", r.Incidents), fmt.Sprint(r.Now.Caught), fmt.Sprint(r.Then.Caught), r.incidents()})
	}
	if benign := r.Labels - r.Incidents; benign > 0 {
		number(fmt.Sprintf("known as benign and passed on, of %d", benign), float64(r.Now.Benign), float64(r.Then.Benign), 0)
	}
	daily("the shadow threshold would pass on", func(s Result) int { return s.Shadow })
	if r.Now.AtBound+r.Then.AtBound > 0 {
		number("hours in which a budget was at its bound", float64(r.Now.AtBound), float64(r.Then.AtBound), 0)
	}
	return rows
}

func (r *Report) incidents() string {
	if r.Found+r.Lost == 0 {
		return "+0"
	}
	return fmt.Sprintf("%d found, %d lost", r.Found, r.Lost)
}

func plain(f float64, digits int) string { return fmt.Sprintf("%.*f", digits, f) }

func signed(f float64, digits int) string { return fmt.Sprintf("%+.*f", digits, f) }

func (r *Report) head() string {
	recorded := "that do not say when they happened"
	if r.Days >= 1.0/24 {
		recorded = fmt.Sprintf("of %.1f days", r.Days)
	}
	return fmt.Sprintf("%s, %s to %s: %d events %s", r.Environment, r.Source, r.Agent, r.Events, recorded)
}

func (r *Report) change() string {
	if r.Passes+r.Drops == 0 && len(r.Moved) == 0 {
		return "no event changes sides"
	}
	return fmt.Sprintf("%d events would be passed on, and are not; %d would be dropped, and are not", r.Passes, r.Drops)
}

// Text for a terminal.
func (r *Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", r.head())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	rows := r.rows()
	for _, row := range rows {
		width = max(width, len(row.says))
	}
	fmt.Fprintf(t, "%-*s\tnow\tthen\tchange\t\n", width, "")
	for _, row := range rows {
		fmt.Fprintf(t, "%-*s\t%s\t%s\t%s\t\n", width, row.says, row.now, row.then, row.change)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", r.change())
	for _, m := range r.Moved {
		fmt.Fprintf(w, "  %s: %s\n", m.name(), m.sides())
		if because := m.because(); because != "" {
			fmt.Fprintf(w, "    because of %s\n", because)
		}
	}
	return r.last(w, "")
}

// Markdown for a pull request.
func (r *Report) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "### Prefilter of %s\n\n| | now | then | change |\n|---|---:|---:|---:|\n", r.head())
	for _, row := range r.rows() {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", strings.Replace(row.says, "  ", "&nbsp;&nbsp;", 1), row.now, row.then, row.change)
	}
	fmt.Fprintf(w, "\n%s\n", r.change())
	if len(r.Moved) > 0 {
		fmt.Fprint(w, "\n| event | | because of |\n|---|---|---|\n")
	}
	for _, m := range r.Moved {
		fmt.Fprintf(w, "| %s | %s | %s |\n", cell(m.name()), cell(m.sides()), cell(m.because()))
	}
	return r.last(w, "\n")
}

// cell of a table in Markdown. What an event says is somebody else's text.
func cell(text string) string {
	return strings.NewReplacer("|", "&#124;", "<", "&lt;", ">", "&gt;", "\n", " ", "`", "&#96;", "[", "&#91;", "@", "&#64;", "*", "&#42;").Replace(text)
}

func (r *Report) last(w io.Writer, before string) error {
	if r.Failure == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "%sSome events could not be judged, and are passed on: %s\n", before, r.Failure)
	return err
}

func (m *Moved) name() string {
	var parts []string
	if m.Incident {
		parts = append(parts, "INCIDENT")
	}
	if m.Event > 0 {
		parts = append(parts, fmt.Sprintf("event %d", m.Event))
	}
	for _, part := range []string{m.Time, m.About.Priority, m.Rule} {
		if part != "" {
			parts = append(parts, fmt.Sprintf("%.80q", part))
		}
	}
	if m.About.Namespace != "" {
		parts = append(parts, fmt.Sprintf("in %.80q", m.About.Namespace))
	}
	name := strings.ReplaceAll(strings.Join(parts, " "), `"`, "")
	if m.Alike > 1 {
		name += fmt.Sprintf(", one of %d alike", m.Alike)
	}
	return name
}

func (m *Moved) sides() string {
	verb := "would be dropped"
	if m.Passes {
		verb = "would be passed on"
	}
	return fmt.Sprintf("%s: %s, then %s", verb, m.Now, m.Then)
}

func (p Place) String() string {
	switch p.Why {
	case prefilter.Score:
		return fmt.Sprintf("percentile %.5g reaches %.5g (%s)", p.Percentile, p.Threshold, strings.Join(p.Rules, ", "))
	case prefilter.Below:
		return fmt.Sprintf("percentile %.5g is below %.5g (%s)", p.Percentile, p.Threshold, strings.Join(p.Rules, ", "))
	case prefilter.Sample:
		return "drawn by lot"
	case prefilter.Failed:
		return "unjudged"
	}
	return fmt.Sprintf("always (%s)", strings.Join(p.Rules, ", "))
}

// because of which features, with their values, the event is unusual.
func (m *Moved) because() string {
	var reasons []string
	for _, reason := range m.Reasons {
		reasons = append(reasons, fmt.Sprintf("%s %.4g", reason.Feature, reason.Value))
	}
	return strings.Join(reasons, ", ")
}
