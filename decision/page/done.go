package page

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"agentc/decision/approvals"
	"agentc/decision/escalation"
)

// field of a form, without space around it.
func (v *visit) field(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }

const maxReason = 2000

func (v *visit) reason(must bool) (string, error) {
	reason := v.field("reason")
	switch {
	case must && reason == "":
		return "", &trouble{http.StatusBadRequest, "A reason is missing", "Whoever asked, and whoever looks at it later, wants to know why. Nothing was changed."}
	case len(reason) > maxReason:
		return "", &trouble{http.StatusBadRequest, "The reason is too long", fmt.Sprintf("It may have %d bytes. Nothing was changed.", maxReason)}
	}
	return reason, nil
}

// to leads on after a form was done: a reload then repeats nothing.
func (v *visit) to(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

func (v *visit) vote(id, digest string, approve bool, reason string) error {
	e, err := v.Service.Get(v.ctx, id)
	if err != nil {
		return err
	}
	_, err = approvals.Vote(v.r, v.Service, e, digest, escalation.Vote{Person: v.person, Approve: approve, Reason: reason, Via: "page", Assurance: escalation.Verified})
	return err
}

// approve, with the digest that only the second step's form carries.
func (v *visit) approve() error {
	reason, err := v.reason(false)
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	if err := v.vote(id, v.field("digest"), true, reason); err != nil {
		return err
	}
	return v.to(Pending + "/" + id + "?done=approved")
}

func (v *visit) reject() error {
	reason, err := v.reason(true)
	if err != nil {
		return err
	}
	if err := v.vote(v.r.PathValue("id"), "", false, reason); err != nil {
		return err
	}
	return v.to(Pending + "?done=rejected&n=1")
}

const maxBulk = 100

// rejectSome rejects what was ticked. What cannot be rejected any more is counted, and does not keep the others.
func (v *visit) rejectSome() error {
	reason, err := v.reason(true)
	if err != nil {
		return err
	}
	ids := slices.Compact(slices.Sorted(slices.Values(v.r.PostForm["id"])))
	switch {
	case len(ids) == 0:
		return &trouble{http.StatusBadRequest, "Nothing is ticked", "Tick the actions that you reject. Nothing was changed."}
	case len(ids) > maxBulk:
		return &trouble{http.StatusBadRequest, "That is too much at once", fmt.Sprintf("Reject %d actions at most. Nothing was changed.", maxBulk)}
	}
	rejected, failed := 0, 0
	for _, id := range ids {
		var refusal *escalation.Refusal
		switch err := v.vote(id, "", false, reason); {
		case err == nil:
			rejected++
		case errors.As(err, &refusal):
			failed++
		default:
			return err
		}
	}
	return v.to(fmt.Sprintf("%s?done=rejected&n=%d&failed=%d", Pending, rejected, failed))
}

// cancel withdraws what is pending or approved.
func (v *visit) cancel() error {
	reason, err := v.reason(true)
	if err != nil {
		return err
	}
	e, err := v.Service.Get(v.ctx, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if !approvals.Withdraws(e, v.person) {
		return &trouble{http.StatusForbidden, "This is not yours to do", "Those who decide on it withdraw it, and those who answer for its agents."}
	}
	if _, err := v.Service.Cancel(v.ctx, e.ID, v.person.Name, reason); err != nil {
		return err
	}
	return v.to(Pending + "/" + e.ID + "?done=cancelled")
}

// quarantine an agent.
func (v *visit) quarantine() error {
	reason, err := v.reason(true)
	if err != nil {
		return err
	}
	q := escalation.Quarantine{Agent: v.field("agent"), Reason: reason, By: v.person.Name}
	i := slices.IndexFunc(spans, func(s span) bool { return s.Value == v.field("span") })
	if i < 0 || !slices.Contains(v.agents(), q.Agent) {
		return &trouble{http.StatusBadRequest, "The form cannot be understood", "There is no such agent, or no such time. Nothing was changed."}
	}
	if spans[i].d > 0 {
		q.Until = v.now.Add(spans[i].d)
	}
	if err := v.Service.Quarantine(v.ctx, q); err != nil {
		return err
	}
	return v.to(agents + "?done=quarantined")
}

func (v *visit) lift() error {
	reason, err := v.reason(true)
	if err != nil {
		return err
	}
	agent := v.field("agent")
	if why := approvals.Lifts(v.person, v.Fleet(), agent); why != "" {
		return &trouble{http.StatusForbidden, "This is not yours to do", why}
	}
	if err := v.Service.Lift(v.ctx, agent, v.person.Name, reason); err != nil {
		return err
	}
	return v.to(agents + "?done=lifted")
}
