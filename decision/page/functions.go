package page

import (
	"fmt"
	"html/template"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/escalation"
)

// functions of the templates.
var functions = template.FuncMap{
	"text":      approvals.Pieces, // cuts a stranger's text: see there
	"sentence":  sentence,
	"mixed":     mixed,
	"brief":     brief,
	"approvals": approvalsOf,
	"clock":     func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"moment":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"machine":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"left":      left,
	"soon":      func(t, now time.Time) bool { return t.Sub(now) < 2*time.Minute },
	"grave":     func(risk string) bool { return risk == "high" || risk == "critical" },
	"word":      word,
	"plural":    plural,
	"inc":       func(n int) int { return n + 1 },
	"minus":     func(a, b int) int { return max(a-b, 0) },
}

// left says how long until a time.
func left(t, now time.Time) string {
	d := t.Sub(now).Truncate(time.Second)
	switch {
	case d <= 0:
		return "over"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
}

// word for what became of an escalation.
func word(e escalation.Escalation) string {
	switch {
	case e.State == escalation.Consumed:
		return "approved and used"
	case e.State == escalation.Approved:
		return "approved, not yet used"
	case e.State == escalation.Expired && !e.ApprovedUntil.IsZero():
		return "approved, not used in time"
	case e.State == escalation.Expired:
		return "nobody decided in time"
	}
	return string(e.State)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
