package escalation

import (
	"context"
	"errors"
	"fmt"
)

const (
	insertQuarantine  = `INSERT INTO quarantines (number, agent, reason, who, since, until) VALUES ($1, $2, $3, $4, $5, $6)`
	liftQuarantine    = `UPDATE quarantines SET lifted = $1, lifted_by = $2, lifted_why = $3 WHERE agent = $4 AND lifted = 0 AND (until = 0 OR until > $1)`
	selectQuarantines = `SELECT agent, reason, who, since, until FROM quarantines WHERE lifted = 0 AND (until = 0 OR until > $1) ORDER BY agent, number`
)

// Quarantine an agent from now on. Since is the store's.
func (s *Service) Quarantine(ctx context.Context, q Quarantine) error {
	if q.Agent == "" || q.By == "" || q.Reason == "" {
		return errors.New("a quarantine needs an agent, a reason and somebody who says so")
	}
	if err := readable(q.Agent, q.By, q.Reason); err != nil {
		return err
	}
	err := s.step(ctx, func(t *tx) error {
		q.Since = moment(t.now)
		until := int64(0)
		if !q.Until.IsZero() {
			if until = q.Until.UnixMicro(); until <= t.now {
				return errors.New("a quarantine that is over before it begins")
			}
		}
		_, err := t.exec(insertQuarantine, t.number, q.Agent, q.Reason, q.By, t.now, until)
		return err
	})
	return s.told(q, false, err)
}

// Lift all quarantines of an agent. Who did and why is kept.
func (s *Service) Lift(ctx context.Context, agent, by, reason string) error {
	if err := readable(by, reason); err != nil {
		return err
	}
	q := Quarantine{Agent: agent, By: by, Reason: reason}
	err := s.step(ctx, func(t *tx) error {
		q.Since = moment(t.now)
		rows, err := t.exec(liftQuarantine, t.now, by, reason, agent)
		if err == nil && rows == 0 {
			err = &Refusal{"unknown", fmt.Sprintf("agent %.100q is in no quarantine", agent)}
		}
		return err
	})
	return s.told(q, true, err)
}

// told of what was done.
func (s *Service) told(q Quarantine, lifted bool, err error) error {
	if err == nil && s.Held != nil {
		s.Held(q, lifted)
	}
	return err
}

// Quarantines that are in force now, by agent.
func (s *Service) Quarantines(ctx context.Context) ([]Quarantine, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, selectQuarantines, s.micros())
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	list := []Quarantine{}
	for rows.Next() {
		var q Quarantine
		var since, until int64
		if err := rows.Scan(&q.Agent, &q.Reason, &q.By, &since, &until); err != nil {
			return nil, failed(err)
		}
		q.Since, q.Until = moment(since), moment(until)
		list = append(list, q)
	}
	return list, failed(rows.Err())
}
