package approvals

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"agentc/decision/escalation"
)

// Detail is an escalation with what people want to know before they decide.
type Detail struct {
	Escalation escalation.Escalation   `json:"escalation"`
	Trail      []escalation.Step       `json:"trail"`
	Like       []escalation.Escalation `json:"like"`      // what became of questions about the same skill, newest first
	Hindrance  string                  `json:"hindrance"` // why whoever asks may not vote; empty: they may
}

// List of escalations.
type List struct {
	Escalations []escalation.Escalation `json:"escalations"`
	Before      string                  `json:"before,omitempty"` // of the next page
}

const (
	perPage = 100
	latest  = 5 // like cases that are shown
)

// all the states there are.
var all = []escalation.State{escalation.Pending, escalation.Approved, escalation.Consumed, escalation.Rejected, escalation.Expired, escalation.Cancelled}

// FilterOf what a request's query asks for: state (more than once), caller, callee, skill, before, limit.
func FilterOf(r *http.Request) (escalation.Filter, error) {
	q := r.URL.Query()
	f := escalation.Filter{Caller: q.Get("caller"), Callee: q.Get("callee"), Skill: q.Get("skill"), Limit: perPage}
	for _, state := range q["state"] {
		if state == "" {
			continue
		}
		if !slices.Contains(all, escalation.State(state)) {
			return f, malformed("state is %.20q; it is one of pending, approved, consumed, rejected, expired, cancelled.", state)
		}
		f.States = append(f.States, escalation.State(state))
	}
	if limit := q.Get("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > perPage {
			return f, malformed("limit is a number from 1 to %d.", perPage)
		}
		f.Limit = n
	}
	if before := q.Get("before"); before != "" {
		t, err := time.Parse(time.RFC3339, before)
		if err != nil {
			return f, malformed("before is no time as in 2026-04-30T20:15:00Z.")
		}
		f.Before = t
	}
	return f, nil
}

func (a *asking) list() (*reply, error) {
	f, err := FilterOf(a.request)
	if err != nil {
		return nil, err
	}
	if a.who.Person == nil && (f.Callee == "" || !a.who.guards(a.Fleet(), f.Callee)) {
		if f.Caller != "" && f.Caller != a.who.SPIFFE {
			return nil, forbidden("A program lists what it asked for itself, and, by callee, what is asked of the agent that it guards.")
		}
		f.Caller = a.who.SPIFFE
	}
	list, err := a.Service.List(a.ctx, f)
	if err != nil {
		return nil, err
	}
	out := List{Escalations: list}
	if len(list) == f.Limit {
		out.Before = Stamp(list[len(list)-1].Created)
	}
	if a.who.Person == nil {
		for i := range list {
			list[i] = redacted(list[i])
		}
	}
	return ok(out)
}

// redacted is an escalation as a program sees it: without the people.
func redacted(e escalation.Escalation) escalation.Escalation {
	e.Votes, e.Why, e.Channel, e.Endpoint = []escalation.Vote{}, "", "", ""
	e.Groups, e.Owners = []string{}, []string{}
	return e
}

func (a *asking) show() (*reply, error) {
	e, err := a.get(a.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if a.who.Person == nil {
		return ok(Detail{Escalation: redacted(e), Trail: []escalation.Step{}, Like: []escalation.Escalation{}, Hindrance: "Programs do not vote."})
	}
	trail, err := a.Service.Trail(a.ctx, e.ID)
	if err != nil {
		return nil, err
	}
	like, err := a.Service.Like(a.ctx, e, latest)
	if err != nil {
		return nil, err
	}
	return ok(Detail{e, trail, like, Hindrance(e, *a.who.Person)})
}

// vote of a person who has a certificate. Whoever approves names the action's digest: what is approved is what was read.
func (a *asking) vote() (*reply, error) {
	if a.who.Person == nil {
		return nil, forbidden("People vote, programs do not.")
	}
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	if err := body.only("approve", "reason", "digest"); err != nil {
		return nil, err
	}
	approve, is := body["approve"].(bool)
	if !is {
		return nil, malformed("approve is missing: true or false.")
	}
	reason, err := body.text("reason")
	if err != nil {
		return nil, err
	}
	digest, err := body.text("digest")
	if err != nil {
		return nil, err
	}
	e, err := a.get(a.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v := escalation.Vote{Person: *a.who.Person, Approve: approve, Reason: strings.TrimSpace(reason), Via: "cli", Assurance: escalation.Verified}
	if e, err = Vote(a.request, a.Service, e, digest, v); err != nil {
		return nil, err
	}
	return ok(e)
}

// Vote passes a vote on, if it says what it is about or why it is against it.
func Vote(r *http.Request, s *escalation.Service, e escalation.Escalation, digest string, v escalation.Vote) (escalation.Escalation, error) {
	switch {
	case v.Approve && digest != e.Digest:
		return e, &escalation.Refusal{Rule: "digest", Reason: "an approval names the digest of the action that was read, and this is another"}
	case !v.Approve && v.Reason == "":
		return e, malformed("A rejection needs a reason: whoever asked, and whoever looks at it later, wants to know.")
	}
	return s.Vote(r.Context(), e.ID, v)
}

// consume uses an approval up, for the guard that is about to pass the action on.
func (a *asking) consume() (*reply, error) {
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	if err := body.only("digest", "caller"); err != nil {
		return nil, err
	}
	digest, err := body.must("digest")
	if err != nil {
		return nil, err
	}
	caller, err := body.must("caller")
	if err != nil {
		return nil, err
	}
	e, err := a.get(a.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !a.who.guards(a.Fleet(), e.Callee) {
		return nil, forbidden("The guard of the callee consumes an approval, before it passes the action on.")
	}
	if a.Usable != nil && e.State == escalation.Approved && e.Digest == digest && e.Caller == caller { // of others the store says what is wrong
		if err := a.Usable(a.ctx, e); err != nil {
			return nil, err
		}
	}
	if e, err = a.Service.Consume(a.ctx, e.ID, digest, caller); err != nil {
		return nil, err
	}
	return ok(a.answerOf(e))
}
