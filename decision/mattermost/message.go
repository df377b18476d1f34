package mattermost

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"agentc/decision/escalation"
)

// Limits of what a message shows, in characters.
const (
	maxName    = 200
	maxSaid    = 500
	maxShown   = 6000 // of an action
	maxReasons = 10
	maxVotes   = 20
)

// colours of risks.
var colours = map[string]string{"low": "#2e7d32", "medium": "#b26a00", "high": "#c62828"}

// buttons that a message gets, by the nonces of their clicks. An empty one is not there.
type buttons struct {
	approve, reject string
	callback        string // URL that clicks go to
}

// sight is an escalation as a message shows it.
type sight struct {
	escalation.Escalation
	action string // on lines, cut
	whole  bool   // nothing of it was cut
	page   string // URL; empty: there is none
	clicks bool   // they reach us
}

func see(e escalation.Escalation, page string, clicks bool) sight {
	s := sight{Escalation: e, page: pageOf(page, e.ID), clicks: clicks}
	var err error
	if s.action, s.whole, err = readable(e.Action, maxShown); err != nil {
		s.action, s.whole = "it cannot be shown", false
	}
	return s
}

// pageOf an escalation, where people see all of it.
func pageOf(page, id string) string {
	u, err := url.Parse(page)
	if page == "" || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(page, "()<> \n`") || !isHex(id) {
		return ""
	}
	return strings.TrimSuffix(page, "/") + "/escalations/" + id
}

func isHex(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }

// approvable says whether a click in a chat may approve: it counts, and whoever clicks sees what.
func (s sight) approvable() bool { return s.clicks && s.whole && s.Assurance == escalation.Chat }

// post that shows it.
func (s sight) post(b buttons) Post {
	head := fmt.Sprintf("%s: %s asks %s for %s", s.title(), code(s.caller(), maxName), code(s.Callee, maxName), code(s.Skill, maxName))
	a := Attachment{
		Fallback: s.title(), Color: colours[s.Risk], Fields: s.fields(),
		Text: "What is asked for, in whole:\n" + block(s.action),
	}
	switch {
	case s.State != escalation.Pending:
		a.Color = "#757575"
	case a.Color == "":
		a.Color = colours["high"] // nobody said that it is less
	}
	if !s.whole {
		a.Text = "What is asked for, **cut**. Who has not seen the rest does not approve it:\n" + block(s.action)
	}
	if s.State == escalation.Pending {
		a.Text += "\n" + s.hint()
		a.Actions = b.actions()
	}
	return Post{Message: head, Props: Props{Approval: s.ID, Attachments: []Attachment{a}}}
}

// caller without what all have in common; the whole id is in a field.
func (s sight) caller() string {
	return s.Caller[strings.LastIndex(s.Caller, "/")+1:]
}

func (s sight) title() string {
	switch s.State {
	case escalation.Pending:
		return "**A decision is needed**"
	case escalation.Approved:
		return "**Approved**, waits to be used once"
	case escalation.Consumed:
		return "**Approved**, and used"
	case escalation.Rejected:
		return "**Rejected**"
	case escalation.Expired:
		return "**Expired**, so rejected"
	case escalation.Cancelled:
		return "**Withdrawn**"
	}
	return "**Not approved**"
}

// hint says how to approve.
func (s sight) hint() string {
	where := "on agentd's page or with `agentd approvals`"
	if s.page != "" {
		where = "on [the page](" + s.page + ") or with `agentd approvals`"
	}
	switch {
	case s.approvable():
		return "More about it, or a decision with a reason: " + where + "."
	case !s.clicks:
		return "Decide on it " + where + "."
	case s.Assurance == escalation.Chat:
		return "It is too long to be approved here. Approve it " + where + "."
	}
	return "An approval needs a certificate. Approve it " + where + "."
}

func (b buttons) actions() []Action {
	list := []Action{}
	for _, button := range []struct{ name, style, nonce string }{{"Approve", "success", b.approve}, {"Reject", "danger", b.reject}} {
		if button.nonce != "" {
			list = append(list, Action{
				ID: strings.ToLower(button.name), Type: "button", Name: button.name, Style: button.style,
				Integration: &Integration{URL: b.callback, Context: map[string]string{"nonce": button.nonce}},
			})
		}
	}
	return list
}

func (s sight) fields() []Field {
	f := []Field{
		{"Who asks", code(s.Caller, maxName), true},
		{"Whom", code(s.Callee, maxName), true},
		{"For what", code(s.Skill, maxName), true},
		{"Risk", code(s.Risk, maxName), true},
		{"Why you are asked", s.reasons(), false},
	}
	if len(s.Known) > 0 {
		known, _, err := readable(s.Known, maxSaid)
		if err != nil {
			known = "it cannot be shown"
		}
		f = append(f, Field{"Claimed, and checked by nobody: confidence, anomaly", block(known), false})
	}
	f = append(f,
		Field{"Votes", s.votes(), true},
		Field{"Who decides", s.groups(), true},
	)
	if s.State == escalation.Pending {
		f = append(f, Field{"Without an answer it is rejected at", when(s.Expires), true})
	}
	if s.State == escalation.Approved {
		f = append(f, Field{"Nobody may use it after", when(s.ApprovedUntil), true})
	}
	if !s.Ended.IsZero() {
		f = append(f, Field{"Ended", when(s.Ended), true})
	}
	if s.Why != "" {
		f = append(f, Field{"Said about it", code(s.Why, maxSaid), false})
	}
	return append(f,
		Field{"Trace", code(s.TraceID, maxName), true},
		Field{"Escalation", code(s.ID, maxName), true},
		Field{"Digest", code(s.Digest, maxName), false},
	)
}

func when(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05 UTC") }

func (s sight) reasons() string {
	lines := []string{}
	for _, r := range s.Reasons[:min(len(s.Reasons), maxReasons)] {
		line := "- " + code(r.Reason, maxSaid) + " by " + code(r.Rule, maxName)
		if r.At != "" {
			line += " at " + code(r.At, maxName)
		}
		lines = append(lines, line)
	}
	if more := len(s.Reasons) - maxReasons; more > 0 {
		lines = append(lines, fmt.Sprintf("- … (%d more)", more))
	}
	if len(lines) == 0 {
		return "–"
	}
	return strings.Join(lines, "\n")
}

func (s sight) votes() string {
	approvals := 0
	lines := []string{}
	for i, v := range s.Votes {
		what := "rejected"
		if v.Approve {
			what = "approved"
			approvals++
		}
		if i < maxVotes {
			line := fmt.Sprintf("- %s %s (%s, %s)", code(v.Person.Name, maxName), what, code(v.Via, maxName), code(string(v.Assurance), maxName))
			if v.Reason != "" && v.Reason != s.Why {
				line += ": " + code(v.Reason, maxSaid)
			}
			lines = append(lines, line)
		}
	}
	lines = slices.Insert(lines, 0, fmt.Sprintf("%d of %d approvals", approvals, s.Quorum))
	return strings.Join(lines, "\n")
}

func (s sight) groups() string {
	names := []string{}
	for _, g := range s.Groups[:min(len(s.Groups), maxReasons)] {
		names = append(names, code(g, maxName))
	}
	return strings.Join(names, ", ") + ", but nobody of the caller's or the callee's team"
}
