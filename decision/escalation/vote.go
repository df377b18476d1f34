package escalation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const insertVote = `INSERT INTO votes (escalation, person, number, vote) VALUES ($1, $2, $3, $4)`

// Vote for or against. One rejection ends it; enough different people approve it.
func (s *Service) Vote(ctx context.Context, id string, v Vote) (Escalation, error) {
	if err := readable(v.Person.Name, v.Person.Team, v.Reason, v.Via); err != nil {
		return Escalation{}, err
	}
	return s.change(ctx, id, func(t *tx, e *row) error { return t.vote(e, v) })
}

func (t *tx) vote(e *row, v Vote) error {
	if e.State != Pending {
		return ended(&e.Escalation)
	}
	if err := mayVote(&e.Escalation, v); err != nil {
		return err
	}
	v.At = moment(t.now)
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := t.exec(insertVote, e.ID, fold(v.Person.Name), t.number, string(text)); err != nil {
		return err
	}
	return t.move(e, counted(&e.Escalation, v, t.now))
}

// mayVote refuses whoever does not decide here.
func mayVote(e *Escalation, v Vote) error {
	name := fold(v.Person.Name)
	own := func(team string) bool { return fold(team) == fold(v.Person.Team) }
	approver := func(group string) bool { return slices.Contains(e.Groups, group) }
	same := func(other Vote) bool { return fold(other.Person.Name) == name }
	switch {
	case name == "" || !slices.ContainsFunc(v.Person.Groups, approver):
		return &Refusal{"not-approver", fmt.Sprintf("only members of %s decide on it", strings.Join(e.Groups, ", "))}
	case slices.ContainsFunc(e.Owners, own):
		return &Refusal{"own", fmt.Sprintf("team %s owns the caller or the callee, and does not decide on their actions", v.Person.Team)}
	case slices.ContainsFunc(e.Votes, same):
		return &Refusal{"voted", v.Person.Name + " has voted already"}
	case v.Approve && v.Assurance != Verified && v.Assurance != e.Assurance:
		return &Refusal{"assurance", "an approval needs a certificate: use the page or the command line"}
	}
	return nil
}

// counted says what a vote makes of an escalation.
func counted(e *Escalation, v Vote, now int64) change {
	c := change{kind: "voted", to: Pending, by: v.Person.Name, via: v.Via, note: v.Reason}
	approvals := 1
	for _, other := range e.Votes {
		if other.Approve {
			approvals++
		}
	}
	switch {
	case !v.Approve:
		c.kind, c.to, c.why = "rejected", Rejected, v.Reason
	case approvals >= e.Quorum:
		c.kind, c.to, c.until = "approved", Approved, now+e.Lifetime.Microseconds()
	}
	return c
}

// fold makes one of names that differ in nothing but letters' case and space around them.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, strings.TrimSpace(name))
}
