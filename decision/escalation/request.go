package escalation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentc/decision/action"
)

// Limits of what is kept.
const (
	maxRequest = 2 << 20
	maxText    = 4000 // bytes that a person writes
)

const (
	countPending = `SELECT count(*), coalesce(sum(CASE WHEN caller = $1 THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN callee = $4 THEN 1 ELSE 0 END), 0) FROM escalations
		WHERE state = 'pending' AND due > $2 AND due - lifetime <= $3`
	countBegun = `SELECT count(*) FROM escalations WHERE caller = $1 AND created > $2 AND created <= $3`

	insertEscalation = `INSERT INTO escalations (id, number, digest, caller, callee, skill, request, lifetime, state, due, created, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $9)`
)

// Request asks people about an action. If the same caller waits for an answer about the same action already, that is the escalation: agents try again, and
// nobody wants to be asked twice. Unless a newer bundle says that others decide: then they are asked, and the old question is withdrawn.
func (s *Service) Request(ctx context.Context, r Request) (Escalation, error) {
	r.Lifetime = min(r.Lifetime, MaxLifetime).Truncate(time.Microsecond)
	text, err := stored(r)
	if err != nil {
		return Escalation{}, err
	}
	var e Escalation
	err = s.step(ctx, func(t *tx) error {
		same, err := fetch(ctx, t, t.now, `digest = $1 AND caller = $2 AND state = 'pending'`, r.Digest, r.Caller)
		if err != nil {
			return err
		}
		for _, old := range same { // at most one
			end := change{kind: "expired", to: Expired}
			switch {
			case old.late():
			case r.Sequence > old.Sequence && !sameTerms(r, old.Request):
				end = change{kind: "cancelled", to: Cancelled, note: newTerms, why: newTerms}
			default:
				e = old.Escalation
				return errJoined
			}
			if err := t.move(&old, end); err != nil {
				return err
			}
			if err := t.next(); err != nil {
				return err
			}
		}
		if err := t.room(r, s.Options); err != nil {
			return err
		}
		e, err = t.create(r, text)
		return err
	})
	if errors.Is(err, errJoined) {
		err = nil
	}
	return e, err
}

const newTerms = "by a newer bundle others decide on it: they were asked anew"

// sameTerms: the same people decide, in the same way.
func sameTerms(a, b Request) bool {
	return a.Quorum == b.Quorum && a.Assurance == b.Assurance && slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Owners, b.Owners)
}

// errJoined ends a transaction that has nothing to write.
var errJoined = errors.New("there is one already")

// stored is a request as it is kept, if it can be answered at all.
func stored(r Request) (string, error) {
	switch {
	case action.Digest(r.Action) != r.Digest:
		return "", errors.New("an escalation's digest is not that of its action: people would decide on something else than they see")
	case r.Caller == "" || r.Callee == "":
		return "", errors.New("an escalation needs a caller and a callee")
	case r.Lifetime <= 0:
		return "", errors.New("an escalation needs a lifetime")
	case r.Quorum < 1 || len(r.Groups) == 0:
		return "", errors.New("an escalation needs somebody who can approve it")
	case r.Assurance != Chat && r.Assurance != Verified:
		return "", fmt.Errorf("an escalation needs an assurance, %s or %s", Chat, Verified)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // which would change the action's bytes
	if err := encoder.Encode(r); err != nil {
		return "", err
	}
	if text.Len() > maxRequest {
		return "", &Refusal{"limit", fmt.Sprintf("what people would have to read is larger than %d KiB", maxRequest>>10)}
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// room for one more. No other step can take it meanwhile.
func (t *tx) room(r Request, o Options) error {
	var all, callers, callees, begun int
	if err := t.QueryRowContext(t.ctx, countPending, r.Caller, t.now, t.now+skew, r.Callee).Scan(&all, &callers, &callees); err != nil {
		return err
	}
	if err := t.QueryRowContext(t.ctx, countBegun, r.Caller, t.now-time.Hour.Microseconds(), t.now+skew).Scan(&begun); err != nil {
		return err
	}
	switch {
	case callers >= o.PerCaller:
		return &Refusal{"limit", fmt.Sprintf("%d actions of this caller wait for people already", callers)}
	case begun >= o.PerHour: // whoever withdraws what they asked, and asks again, would call people without an end
		return &Refusal{"limit", fmt.Sprintf("people were asked about %d actions of this caller within an hour", begun)}
	case callees >= o.PerCallee: // or else the guard of one agent takes all the room there is, in its callers' names
		return &Refusal{"limit", fmt.Sprintf("%d actions that this agent is asked for wait for people already", callees)}
	case all >= o.InAll:
		return &Refusal{"limit", fmt.Sprintf("%d actions wait for people already", all)}
	}
	return nil
}

func (t *tx) create(r Request, text string) (Escalation, error) {
	random := make([]byte, 16)
	rand.Read(random) // never fails
	id, expires := hex.EncodeToString(random), t.now+r.Lifetime.Microseconds()
	if _, err := t.exec(insertEscalation, id, t.number, r.Digest, r.Caller, r.Callee, r.Skill, text, r.Lifetime.Microseconds(), expires, t.now); err != nil {
		return Escalation{}, err
	}
	if err := t.record(Escalation{ID: id, Request: r}, "", change{kind: "created", to: Pending, by: r.Caller}); err != nil {
		return Escalation{}, err
	}
	return t.load(id)
}

// load one escalation, as the transaction sees it.
func (t *tx) load(id string) (Escalation, error) {
	e, err := t.row(id)
	return e.Escalation, err
}

func (t *tx) row(id string) (row, error) {
	list, err := fetch(t.ctx, t, t.now, `id = $1`, id)
	if err != nil {
		return row{}, err
	}
	if len(list) == 0 {
		return row{}, unknown(id)
	}
	return list[0], nil
}
