package report

import (
	"encoding/json"
	"fmt"
	"io"
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

func (r *Report) lines() []line {
	var all []line
	add := func(says string, of func(*Measured) string) {
		l := line{says: says}
		empty := true
		for i := range r.Models {
			value := of(&r.Models[i])
			empty = empty && value == ""
			l.values = append(l.values, value)
		}
		if !empty {
			all = append(all, l)
		}
	}
	quality := func(say func(*Quality) string) func(*Measured) string {
		return func(m *Measured) string {
			if m.Quality == nil {
				return ""
			}
			return say(m.Quality)
		}
	}
	passed := func(say func(*Passed) string) func(*Measured) string {
		return func(m *Measured) string {
			if m.Passed == nil {
				return ""
			}
			return say(m.Passed)
		}
	}
	drift := func(say func(*Drift) string) func(*Measured) string {
		return func(m *Measured) string {
			if m.Drift == nil {
				return ""
			}
			return say(m.Drift)
		}
	}
	add("events", func(m *Measured) string { return fmt.Sprint(m.Events) })
	add("labelled: incidents, benign", func(m *Measured) string {
		if m.Incidents+m.Benign == 0 {
			return ""
		}
		return fmt.Sprintf("%d, %d", m.Incidents, m.Benign)
	})
	add("labelled, not among the events", func(m *Measured) string { return positive(m.Elsewhere) })
	add("AUC", quality(func(q *Quality) string { return fmt.Sprintf("%.4f", q.AUC) }))
	add("average precision", quality(func(q *Quality) string { return fmt.Sprintf("%.4f", q.AveragePrecision) }))
	for i, share := range Shares {
		add(fmt.Sprintf("incidents in the top %v %% of events", share), quality(func(q *Quality) string { return fmt.Sprintf("%.1f %%", q.Caught[i].Incidents) }))
	}
	add("passed on from the percentile", passed(func(p *Passed) string { return fmt.Sprint(p.Threshold) }))
	add("  share of the events", passed(func(p *Passed) string { return fmt.Sprintf("%.2f %%", p.Share) }))
	add("  events a day (most on one day)", passed(func(p *Passed) string {
		if p.Days == 0 {
			return ""
		}
		return fmt.Sprintf("%.1f (%d)", p.PerDay, p.MostADay)
	}))
	add("  events that do not say their day", passed(func(p *Passed) string { return positive(p.Undated) }))
	add("  incidents caught", func(m *Measured) string {
		if m.Passed == nil || m.Incidents == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d", m.Passed.Incidents, m.Incidents)
	})
	add("drift of the score, PSI", drift(func(d *Drift) string { return fmt.Sprintf("%.3f: %s", d.PSI, d.Word) }))
	add("drift of the score, KS", drift(func(d *Drift) string { return fmt.Sprintf("%.3f", d.KS) }))
	for _, feature := range r.rarities() {
		add("never seen in the training: "+feature, drift(func(d *Drift) string {
			for _, u := range d.Unseen {
				if u.Feature == feature {
					return fmt.Sprintf("%.2f %%", u.Share)
				}
			}
			return ""
		}))
	}
	return all
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
