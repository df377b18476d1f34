package approvals

import (
	"net/http"

	"agentc/decision/escalation"
)

type quarantines struct {
	Quarantines []escalation.Quarantine `json:"quarantines"`
}

// quarantines that are in force. Guards enforce them, hence everybody who is known may ask.
func (a *asking) quarantines() (*reply, error) {
	list, err := a.Service.Quarantines(a.ctx)
	if err != nil {
		return nil, err
	}
	return ok(quarantines{list})
}

// quarantine an agent. It can only narrow, so everybody who is known as a person may.
func (a *asking) quarantine() (*reply, error) {
	if a.who.Person == nil {
		return nil, forbidden("People put agents under quarantine, programs do not.")
	}
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	if err := body.only("agent", "reason", "until"); err != nil {
		return nil, err
	}
	agent, err := body.must("agent")
	if err != nil {
		return nil, err
	}
	reason, err := body.must("reason")
	if err != nil {
		return nil, err
	}
	until, err := body.time("until")
	if err != nil {
		return nil, err
	}
	q := escalation.Quarantine{Agent: agent, Reason: reason, Until: until, By: a.who.Person.Name}
	if err := a.knows(q); err != nil {
		return nil, err
	}
	if err := a.Service.Quarantine(a.ctx, q); err != nil {
		return nil, err
	}
	r, err := a.quarantines()
	if err == nil {
		r.status = http.StatusCreated
	}
	return r, err
}

// knows refuses a quarantine that would not do what it says.
func (a *asking) knows(q escalation.Quarantine) error {
	return Sensible(a.Server, q)
}

// Sensible refuses a quarantine of nobody, and one that is over before it begins.
func Sensible(s *Server, q escalation.Quarantine) error {
	if f := s.Fleet(); f == nil || f.Agent(q.Agent) == nil {
		return malformed("There is no agent %.60q.", q.Agent)
	}
	if !q.Until.IsZero() && !q.Until.After(s.Now()) {
		return malformed("until is over already.")
	}
	return nil
}

func (a *asking) lift() (*reply, error) {
	if a.who.Person == nil {
		return nil, forbidden("People lift quarantines, programs do not.")
	}
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	if err := body.only("reason"); err != nil {
		return nil, err
	}
	reason, err := body.text("reason")
	if err != nil {
		return nil, err
	}
	agent := a.request.PathValue("agent")
	if why := Lifts(*a.who.Person, a.Fleet(), agent); why != "" {
		return nil, forbidden(why)
	}
	if err := a.Service.Lift(a.ctx, agent, a.who.Person.Name, reason); err != nil {
		return nil, err
	}
	return a.quarantines()
}
