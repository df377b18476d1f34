package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Report compares models by the same events: the new one, and the old one where there is one.
type Report struct {
	Models []Measured `json:"models"`
	Notes  []string   `json:"notes,omitempty"` // what a reader must know
}

// unlabelled is said wherever there are labels, and events without.
const unlabelled = "An event without a label counts as benign: AUC and average precision are too low where incidents have not been found yet."

func (r *Report) notes() []string {
	if r.judged() && r.Models[0].Unlabelled > 0 {
		return append([]string{unlabelled}, r.Notes...)
	}
	return r.Notes
}

// JSON writes all figures.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(&Report{r.Models, r.notes()})
}

// line of the table: what it says, and of each model.
type line struct {
	says   string
	values []string
}

// lines of the table. What is empty for all models is left out.
func (r *Report) lines() []line {
	rows := slices.Concat(counted, quality(), passedOn, r.drifted())
	var all []line
	for _, row := range rows {
		l := line{says: row.says}
		for i := range r.Models {
			l.values = append(l.values, row.of(&r.Models[i]))
		}
		if slices.ContainsFunc(l.values, func(value string) bool { return value != "" }) {
			all = append(all, l)
		}
	}
	return all
}

// row says one thing of a model, or nothing.
type row struct {
	says string
	of   func(*Measured) string
}

var counted = []row{
	{"events", func(m *Measured) string { return fmt.Sprint(m.Events) }},
	{"labelled: incidents, benign", func(m *Measured) string {
		if m.Incidents+m.Benign == 0 {
			return ""
		}
		return fmt.Sprintf("%d, %d", m.Incidents, m.Benign)
	}},
	{"labelled, not among the events", func(m *Measured) string { return positive(m.Elsewhere) }},
}

func quality() []row {
	rows := []row{
		{"AUC", ofQuality(func(q *Quality) string { return fmt.Sprintf("%.4f", q.AUC) })},
		{"average precision", ofQuality(func(q *Quality) string { return fmt.Sprintf("%.4f", q.AveragePrecision) })},
	}
	for i, share := range Shares {
		rows = append(rows, row{fmt.Sprintf("incidents in the top %v %% of events", share), ofQuality(func(q *Quality) string { return fmt.Sprintf("%.1f %%", q.Caught[i].Incidents) })})
	}
	return rows
}

var passedOn = []row{
	{"passed on from the percentile", ofPassed(func(p *Passed) string { return fmt.Sprint(p.Threshold) })},
	{"  share of the events", ofPassed(func(p *Passed) string { return fmt.Sprintf("%.2f %%", p.Share) })},
	{"  events a day (most on one day)", ofPassed(func(p *Passed) string {
		if p.Days == 0 {
			return ""
		}
		return fmt.Sprintf("%.1f (%d)", p.PerDay, p.MostADay)
	})},
	{"  events that do not say their day", ofPassed(func(p *Passed) string { return positive(p.Undated) })},
	{"  incidents caught", func(m *Measured) string {
		if m.Passed == nil || m.Incidents == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d", m.Passed.Incidents, m.Incidents)
	}},
}

func (r *Report) drifted() []row {
	rows := []row{
		{"drift of the score, PSI", ofDrift(func(d *Drift) string { return fmt.Sprintf("%.3f: %s", d.PSI, d.Word) })},
		{"drift of the score, KS", ofDrift(func(d *Drift) string { return fmt.Sprintf("%.3f", d.KS) })},
	}
	for _, feature := range r.rarities() {
		rows = append(rows, row{"never seen in the training: " + feature, ofDrift(func(d *Drift) string {
			i := slices.IndexFunc(d.Unseen, func(u Unseen) bool { return u.Feature == feature })
			if i < 0 {
				return ""
			}
			return fmt.Sprintf("%.2f %%", d.Unseen[i].Share)
		})})
	}
	return rows
}

func ofQuality(say func(*Quality) string) func(*Measured) string {
	return func(m *Measured) string { return orNothing(m.Quality, say) }
}

func ofPassed(say func(*Passed) string) func(*Measured) string {
	return func(m *Measured) string { return orNothing(m.Passed, say) }
}

func ofDrift(say func(*Drift) string) func(*Measured) string {
	return func(m *Measured) string { return orNothing(m.Drift, say) }
}

// orNothing says what there is to say, if it was measured.
func orNothing[T any](measured *T, say func(*T) string) string {
	if measured == nil {
		return ""
	}
	return say(measured)
}

// rarities of all models, those of the first one first.
func (r *Report) rarities() []string {
	var names []string
	seen := map[string]bool{}
	for i := range r.Models {
		if r.Models[i].Drift == nil {
			continue
		}
		for _, u := range r.Models[i].Drift.Unseen {
			if !seen[u.Feature] {
				seen[u.Feature] = true
				names = append(names, u.Feature)
			}
		}
	}
	return names
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// Text writes the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	lines := append([]line{r.head()}, r.lines()...)
	width := make([]int, len(r.Models)+1)
	for _, l := range lines {
		width[0] = max(width[0], utf8.RuneCountInString(l.says))
		for i, v := range l.values {
			width[i+1] = max(width[i+1], utf8.RuneCountInString(v))
		}
	}
	var b strings.Builder
	for _, l := range lines {
		text := fmt.Sprintf("%-*s", width[0], l.says)
		for i, v := range l.values {
			text += fmt.Sprintf("  %*s", width[i+1], v)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	for _, note := range r.notes() {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes the report for a page or a pull request.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	row := func(l line) {
		fmt.Fprintf(&b, "| %s | %s |\n", strings.TrimSpace(l.says), strings.Join(l.values, " | "))
	}
	row(r.head())
	fmt.Fprintf(&b, "| --- |%s\n", strings.Repeat(" ---: |", len(r.Models)))
	for _, l := range r.lines() {
		row(l)
	}
	for _, note := range r.notes() {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) head() line {
	var l line
	for i := range r.Models {
		l.values = append(l.values, r.Models[i].Name)
	}
	return l
}

func (r *Report) judged() bool { return len(r.Models) > 0 && r.Models[0].Quality != nil }
