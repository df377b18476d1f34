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

// perDay of a number of events; of the shortest recordings, and those that do not say when they were made, the number itself.
func (r *Report) perDay(n int) float64 {
	if r.Days == 0 {
		return float64(n)
	}
	return float64(n) / r.Days
}

func (r *Report) daily() string {
	if r.Days == 0 {
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
	daily("    by the shadow threshold", func(s Result) int { return s.Shadow })
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
	recorded := fmt.Sprintf("of %.1f days", r.Days)
	switch {
	case r.Days > 0:
	case r.Undated == r.Events:
		recorded = "that do not say when they happened"
	default:
		recorded = "of less than an hour"
	}
	return fmt.Sprintf("%s, %s to %s: %d events %s", r.Environment, r.Source, r.Agent, r.Events, recorded)
}

// warnings are what makes the figures doubtful.
func (r *Report) warnings() []string {
	var all []string
	if r.Failure != "" {
		all = append(all, "Some events could not be judged, and are passed on: "+r.Failure)
	}
	if r.Late > 0 {
		all = append(all, fmt.Sprintf("%d events are older than one before them by more than %v: budgets took them for later ones. Sort the recording by time.", r.Late, late))
	}
	if r.Strange > 0 {
		all = append(all, fmt.Sprintf("%d events have none of the fields that the forest reads: are they events of Falco?", r.Strange))
	}
	if n := r.Elsewhere - r.Unfound; n > 0 {
		all = append(all, fmt.Sprintf("%d labels are of events that are not in the recording: they count for what is caught, as if no budget had moved.", n))
	}
	if r.Unfound > 0 {
		all = append(all, fmt.Sprintf("%d labels name events that are not in the recording by nothing but their uuid: nobody knows them.", r.Unfound))
	}
	if r.Undated > 0 && r.Undated < r.Events {
		all = append(all, fmt.Sprintf("%d events do not say when they happened: neither a budget nor an override holds for them.", r.Undated))
	}
	return all
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
	for _, warning := range r.warnings() {
		fmt.Fprintf(w, "\n%s\n", printable(warning))
	}
	return nil
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
	for _, warning := range r.warnings() {
		fmt.Fprintf(w, "\n%s\n", cell(printable(warning)))
	}
	return nil
}

// cell of a table in Markdown. What an event says is somebody else's text.
func cell(text string) string {
	return strings.NewReplacer("|", "&#124;", "<", "&lt;", ">", "&gt;", "\n", " ", "`", "&#96;", "[", "&#91;", "@", "&#64;", "*", "&#42;").Replace(text)
}

// printable is the beginning of somebody else's text, which does nothing to a terminal.
func printable(text string) string {
	quoted := fmt.Sprintf("%.300q", text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
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
			parts = append(parts, printable(part))
		}
	}
	if m.About.Namespace != "" {
		parts = append(parts, "in "+printable(m.About.Namespace))
	}
	name := strings.Join(parts, " ")
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
	limit := fmt.Sprintf("%.5g (%s)", p.Threshold, strings.Join(p.Rules, ", "))
	if p.Threshold != p.Base {
		limit = fmt.Sprintf("%.5g (%s: %.5g, raised by the budget)", p.Threshold, strings.Join(p.Rules, ", "), p.Base)
	}
	switch p.Why {
	case prefilter.Score:
		return fmt.Sprintf("percentile %.5g reaches %s", p.Percentile, limit)
	case prefilter.Below:
		return fmt.Sprintf("percentile %.5g is below %s", p.Percentile, limit)
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
