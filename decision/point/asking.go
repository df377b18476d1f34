package point

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentc/decision/action"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// action in canonical form, and its digest.
func (d *Decision) action() (digest string, canonical []byte, err error) {
	canonical, err = action.Action{
		Caller: d.Subject.ID, Callee: d.Resource.ID, Skill: d.Action, Parameters: d.Context["parameters"], Message: d.Context["message"],
	}.Canonical()
	if err != nil {
		return "", nil, fmt.Errorf("the action has no form that people could approve: %w", err)
	}
	return action.Digest(canonical), canonical, nil
}

// asking is the request to people that an escalated action becomes.
func (d *Decision) asking() (r escalation.Request, err error) {
	digest, canonical, err := d.action()
	if err != nil {
		return r, err
	}
	f := d.Bundle.Fleet
	name, route := routeAt(&f.Escalation, d.Route, d.At)
	if route == nil {
		return r, &escalation.Refusal{Rule: RuleNoRoute, Reason: fmt.Sprintf("No route leads to people: %q", d.Route)}
	}
	known := map[string]any{}
	for _, part := range []string{"confidence", "anomaly"} {
		if value, said := d.Context[part]; said {
			known[part] = value
		}
	}
	r = escalation.Request{
		Action: canonical, Digest: digest,
		Caller: d.Subject.ID, Callee: d.Resource.ID, Skill: d.Action, Risk: d.Risk, Owners: owners(f, d),
		Route: name, Endpoint: route.Endpoint, Channel: route.Channel, Groups: route.Approvers, Quorum: route.Quorum, Assurance: assurance(d.Risk),
		TraceID: d.TraceID, DecisionID: d.ID,
		Environment: f.Environment.Name, Revision: d.Bundle.Manifest.Revision, Sequence: d.Bundle.Manifest.Metadata.Sequence,
		Lifetime: time.Duration(f.Escalation.LifetimeMs) * time.Millisecond,
	}
	for _, reason := range d.Reasons {
		r.Reasons = append(r.Reasons, escalation.Reason{Rule: reason.Rule, Reason: reason.Reason, At: reason.At})
	}
	r.Known, err = json.Marshal(known)
	return r, err
}

// owners are the teams of the two agents.
func owners(f *fleet.Fleet, d *Decision) []string {
	var teams []string
	callee := f.Agent(d.Resource.ID)
	if callee == nil {
		return nil
	}
	teams = append(teams, callee.Team)
	if edge := callee.Callers[d.Subject.ID]; edge != nil {
		if caller := f.Agent(edge.Agent); caller != nil && caller.Team != callee.Team {
			teams = append(teams, caller.Team)
		}
	}
	return teams
}

// assurance that an approval needs: what stops somebody's workload is not decided by a click in a chat.
func assurance(risk string) escalation.Assurance {
	if risk == "low" || risk == "medium" {
		return escalation.Chat
	}
	return escalation.Verified
}

// routeAt is the route that is staffed at a time, from the one that the policy names on. Nil: there is none.
func routeAt(e *fleet.Escalation, name string, at time.Time) (string, *fleet.Route) {
	for range len(e.Routes) {
		route := e.Routes[name]
		if route == nil || route.Hours == nil || staffed(route.Hours, at.UTC()) {
			return name, route
		}
		name = route.Hours.Otherwise
	}
	return "", nil
}

// leads says whether a route is the one that the policy names, or one that is taken in its place at some hour.
func leads(e *fleet.Escalation, name, to string) bool {
	for range len(e.Routes) {
		if name == to {
			return true
		}
		if r := e.Routes[name]; r == nil || r.Hours == nil {
			return false
		}
		name = e.Routes[name].Hours.Otherwise
	}
	return false
}

func staffed(h *fleet.Hours, at time.Time) bool {
	day := strings.ToLower(at.Weekday().String()[:3])
	return slices.Contains(h.Days, day) && h.From <= at.Hour() && at.Hour() < h.Until
}
