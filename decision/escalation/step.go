package escalation

import (
	"context"
	"fmt"
	"strings"
)

// skew of the replicas' clocks, in microseconds. What began later than that after now was begun by a clock that stood wrong, and is over: it would live for
// as long as the clock was wrong.
const skew = 60_000_000

// change is one step of an escalation.
type change struct {
	kind          string // of the step and its notice
	to            State
	by, via, note string
	until         int64  // of an approval
	why           string // that the escalation shows
}

// The steps, each by compare-and-swap on the state and on the time: whoever comes second, or too late, changes no row.
const (
	updateInTime = `UPDATE escalations SET state = $1, due = $2, approved_until = $3, ended = $4, why = $5
		WHERE id = $6 AND state = $7 AND due > $8 AND due - lifetime <= $9`
	updateLate = `UPDATE escalations SET state = 'expired', ended = $1 WHERE id = $2 AND state = $3 AND (due <= $1 OR due - lifetime > $4)`

	insertStep   = `INSERT INTO steps (number, escalation, kind, state, who, via, note, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	insertOutbox = `INSERT INTO outbox (number, escalation, kind) VALUES ($1, $2, $3)`
	selectLate   = `SELECT id FROM escalations WHERE state IN ('pending', 'approved') AND (due <= $1 OR due - lifetime > $2) ORDER BY due LIMIT 100`
)

// move an escalation one step, with the rows of the audit trail and of the outbox.
func (t *tx) move(e *row, c change) error {
	var rows int64
	var err error
	if c.to == Expired {
		rows, err = t.exec(updateLate, t.now, e.ID, string(e.stored), t.now+skew)
	} else {
		due, until, ended := e.due, e.until, int64(0)
		if c.to == Approved {
			due, until = c.until, c.until
		}
		if c.to.Final() {
			ended = t.now
		}
		rows, err = t.exec(updateInTime, string(c.to), due, until, ended, c.why, e.ID, string(e.stored), t.now, t.now+skew)
	}
	if err != nil {
		return err
	}
	if rows != 1 {
		return fmt.Errorf("escalation %s was changed by somebody who does not keep to the order of steps", e.ID)
	}
	return t.record(e.Escalation, e.stored, c)
}

func (t *tx) record(e Escalation, from State, c change) error {
	if _, err := t.exec(insertStep, t.number, e.ID, c.kind, string(c.to), c.by, c.via, c.note, t.now); err != nil {
		return err
	}
	t.taken = append(t.taken, taken{e, from, Step{Number: t.number, Kind: c.kind, State: c.to, By: c.by, Via: c.via, Note: c.note, At: moment(t.now)}})
	_, err := t.exec(insertOutbox, t.number, e.ID, c.kind)
	return err
}

// over ends an escalation whose time is over, and has the caller told so.
func (t *tx) over(e *row) error {
	t.refusal = &Refusal{"expired", "nobody approved it in time"}
	if e.stored == Approved {
		t.refusal = &Refusal{"expired", "it was approved, and not used in time"}
	}
	return t.move(e, change{kind: "expired", to: Expired})
}

// ended says that nothing more can become of an escalation.
func ended(e *Escalation) error {
	if e.State == Expired {
		return &Refusal{"expired", "its time is over"}
	}
	return &Refusal{"ended", "it is " + string(e.State) + " already"}
}

// Cancel withdraws what is pending or approved.
func (s *Service) Cancel(ctx context.Context, id, by, reason string) (Escalation, error) {
	if err := readable(by, reason); err != nil {
		return Escalation{}, err
	}
	return s.change(ctx, id, func(t *tx, e *row) error {
		return t.move(e, change{kind: "cancelled", to: Cancelled, by: by, note: reason, why: reason})
	})
}

// Consume uses an approval up, before the action is passed on: it is for one action of one caller, once. After an error it may be used up or not; whoever
// tries again learns it.
func (s *Service) Consume(ctx context.Context, id, digest, caller string) (Escalation, error) {
	return s.change(ctx, id, func(t *tx, e *row) error {
		if err := e.Serves(digest, caller); err != nil {
			return err
		}
		return t.move(e, change{kind: "consumed", to: Consumed, by: caller})
	})
}

// Serves says whether it is an approval of an action of a caller that nobody used yet. Where it is not, it is a *Refusal.
func (e *Escalation) Serves(digest, caller string) error {
	switch {
	case e.State.Final():
		return ended(e)
	case e.Caller != caller:
		return &Refusal{"caller", "another caller asked for it"}
	case e.Digest != digest:
		return &Refusal{"digest", "another action was asked for"}
	case e.State != Approved:
		return &Refusal{"pending", "nobody has decided yet"}
	}
	return nil
}

// change runs a step on an escalation that has not ended.
func (s *Service) change(ctx context.Context, id string, f func(*tx, *row) error) (Escalation, error) {
	var after Escalation
	err := s.step(ctx, func(t *tx) error {
		var err error
		after, err = t.change(id, f)
		return err
	})
	if err != nil {
		return Escalation{}, err
	}
	return after, nil
}

func (t *tx) change(id string, f func(*tx, *row) error) (Escalation, error) {
	e, err := t.row(id)
	if err != nil {
		return Escalation{}, err
	}
	switch {
	case e.late():
		return Escalation{}, t.over(&e)
	case e.State.Final():
		return Escalation{}, ended(&e.Escalation)
	}
	if err := f(t, &e); err != nil {
		return Escalation{}, err
	}
	return t.load(id)
}

// Expire ends what is over its time, and says how many.
func (s *Service) Expire(ctx context.Context) (int, error) {
	total := 0
	for {
		late, err := s.late(ctx)
		if err != nil || len(late) == 0 {
			return total, err
		}
		n, err := s.expire(ctx, late)
		total += n
		if err != nil || n == 0 { // the clock has jumped back, or another replica was first
			return total, err
		}
	}
}

func (s *Service) late(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	now := s.micros()
	rows, err := s.read.QueryContext(ctx, selectLate, now, now+skew)
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	ids := []string{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, failed(err)
		}
		ids = append(ids, id)
	}
	return ids, failed(rows.Err())
}

func (s *Service) expire(ctx context.Context, ids []string) (n int, err error) {
	err = s.step(ctx, func(t *tx) error {
		n = 0
		for _, id := range ids {
			e, err := t.row(id)
			if err != nil {
				return err
			}
			if !e.late() {
				continue
			}
			if n > 0 { // the first one's number is taken
				if err := t.next(); err != nil {
					return err
				}
			}
			if err := t.move(&e, change{kind: "expired", to: Expired}); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// readable refuses what a database or a page would not take as it is.
func readable(texts ...string) error {
	for _, text := range texts {
		if len(text) > maxText {
			return &Refusal{"limit", fmt.Sprintf("a text is longer than %d bytes", maxText)}
		}
		if strings.ToValidUTF8(text, "") != text || strings.ContainsRune(text, 0) {
			return &Refusal{"limit", "a text is no UTF-8, or has a NUL in it"}
		}
	}
	return nil
}
