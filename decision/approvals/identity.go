package approvals

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// Identity of whoever asks: a program or a person.
type Identity struct {
	SPIFFE string             // of an agent or its guard
	Person *escalation.Person // as the bundle knows them
}

// name that the audit trail has.
func (i Identity) name() string {
	if i.Person != nil {
		return i.Person.Name
	}
	return i.SPIFFE
}

// guards says whether a program stands for an agent: the guard and its agent share an identity.
func (i Identity) guards(f *fleet.Fleet, agent string) bool {
	if i.SPIFFE == "" || f == nil || f.Agent(agent) == nil {
		return false
	}
	return f.Agent(agent).ID == i.SPIFFE
}

// sees says whether somebody may know of an escalation: people of all, programs of what they asked for or guard.
func (i Identity) sees(f *fleet.Fleet, e escalation.Escalation) bool {
	return i.Person != nil || i.SPIFFE == e.Caller || i.guards(f, e.Callee)
}

// withdraws says whether somebody may cancel an escalation: whoever may see it as a program, or else as Withdraws says.
func (i Identity) withdraws(f *fleet.Fleet, e escalation.Escalation) bool {
	if i.Person == nil {
		return i.sees(f, e)
	}
	return Withdraws(e, *i.Person)
}

// Withdraws says whether a person may cancel an escalation: those may who decide on it or answer for its agents.
func Withdraws(e escalation.Escalation, p escalation.Person) bool {
	return slices.Contains(e.Owners, p.Team) || member(p, e.Groups)
}

func member(p escalation.Person, groups []string) bool {
	return slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(groups, g) })
}

// Lifts says why a person may not lift the quarantine of an agent, or nothing: it gives an agent its permissions back, hence only those who decide
// escalations do it, and not those who answer for the agent.
func Lifts(p escalation.Person, f *fleet.Fleet, agent string) string {
	if f == nil {
		return "There is no bundle that says who you are."
	}
	if a := f.Agent(agent); a != nil && a.Team == p.Team {
		return "You belong to the team that answers for this agent."
	}
	for _, r := range f.Escalation.Routes {
		if member(p, r.Approvers) {
			return ""
		}
	}
	return "You belong to no group that decides on escalations."
}

// Hindrance says why a person may not vote on an escalation, or nothing. It is a hint for people: what counts is what the store says to the vote itself.
func Hindrance(e escalation.Escalation, p escalation.Person) string {
	switch {
	case e.State != escalation.Pending:
		return "It is " + string(e.State) + "."
	case !member(p, e.Groups):
		return "Members of " + strings.Join(e.Groups, " and ") + " decide, and you are not one of them."
	case slices.Contains(e.Owners, p.Team):
		return "You belong to " + p.Team + ", which answers for one of the two agents; somebody else must decide."
	case slices.ContainsFunc(e.Votes, func(v escalation.Vote) bool { return v.Person.Name == p.Name }):
		return "You have voted; everybody has one vote."
	}
	return ""
}

// foreign refuses what a browser sends for another site.
func foreign(r *http.Request) error {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	if (site == "" || site == "same-origin" || site == "none") && (origin == "" || host == r.Host) {
		return nil
	}
	return &problem{Type: typeForeign, Status: http.StatusForbidden, Title: "The request comes from another site"}
}

// DevAgent is the header that says which agent asks, where whoever asks is believed.
const DevAgent = "Agentd-Dev-Agent"

// PersonWith the e-mail address of a certificate, as the bundle knows them. Nil: nobody, or more than one.
func PersonWith(f *fleet.Fleet, email string) *escalation.Person {
	var found *escalation.Person
	if f == nil || email == "" {
		return nil
	}
	for name, p := range f.Escalation.People {
		if !strings.EqualFold(p.Email, email) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &escalation.Person{Name: name, Team: p.Team, Groups: p.Groups}
	}
	return found
}

// PersonNamed so, as the bundle knows them. Nil: nobody.
func PersonNamed(f *fleet.Fleet, name string) *escalation.Person {
	if f == nil || f.Escalation.People[name] == nil {
		return nil
	}
	p := f.Escalation.People[name]
	return &escalation.Person{Name: name, Team: p.Team, Groups: p.Groups}
}

// Dev believes whoever asks, on one's own machine: an agent that a header names, or else the person, who may be nil.
func Dev(person func() *escalation.Person) func(*http.Request) (Identity, error) {
	return func(r *http.Request) (Identity, error) {
		if id := r.Header.Get(DevAgent); id != "" {
			return Identity{SPIFFE: id}, nil
		}
		if p := person(); p != nil {
			return Identity{Person: p}, nil
		}
		return Identity{}, errors.New("the server was given no --dev-person that the bundle knows, and the header " + DevAgent + " names no agent")
	}
}
