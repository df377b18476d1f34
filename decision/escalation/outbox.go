package escalation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// maxWait of a notice. One that is due later than this was postponed by a clock that stood wrong, and is due now.
const maxWait = time.Hour

const (
	selectDue = `SELECT number, escalation, kind, attempts, next_at FROM outbox WHERE done = 0 AND (next_at <= $1 OR next_at > $2)
		AND NOT EXISTS (SELECT 1 FROM outbox earlier WHERE earlier.escalation = outbox.escalation AND earlier.done = 0 AND earlier.number < outbox.number)
		ORDER BY number LIMIT `
	claimNotice    = `UPDATE outbox SET next_at = $1, attempts = attempts + 1 WHERE number = $2 AND done = 0 AND next_at = $3 AND attempts = $4`
	finishNotice   = `UPDATE outbox SET done = $1 WHERE number = $2 AND done = 0 AND attempts = $3`
	postponeNotice = `UPDATE outbox SET next_at = $1 WHERE number = $2 AND done = 0 AND attempts = $3`
	selectPost     = `SELECT post FROM escalations WHERE id = $1`
	updatePost     = `UPDATE escalations SET post = $1 WHERE id = $2 AND post = ''`
)

// Notices that somebody must hear of, oldest first. They are the asker's until the lease is over; of one escalation the next one comes when the one before is
// acknowledged. Two replicas are never handed the same one.
func (s *Service) Notices(ctx context.Context, limit int) ([]Notice, error) {
	var list []Notice
	err := s.do(ctx, func(t *tx) error {
		due, err := t.due(limited(limit))
		if err != nil {
			return err
		}
		for _, d := range due {
			rows, err := t.exec(claimNotice, t.now+s.Lease.Microseconds(), d.ID, d.nextAt, d.Attempts)
			if err != nil {
				return err
			}
			if rows != 1 { // another replica has it
				continue
			}
			d.Attempts++
			if d.Escalation, err = t.load(d.Escalation.ID); err != nil {
				return err
			}
			list = append(list, d.Notice)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

type dueNotice struct {
	Notice
	nextAt int64
}

func (t *tx) due(limit int) ([]dueNotice, error) {
	rows, err := t.QueryContext(t.ctx, selectDue+fmt.Sprint(limit), t.now, t.now+maxWait.Microseconds())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []dueNotice{}
	for rows.Next() {
		var d dueNotice
		if err := rows.Scan(&d.ID, &d.Escalation.ID, &d.Kind, &d.Attempts, &d.nextAt); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Acknowledge that everybody heard of it. It is refused where the lease was over and somebody else has it now.
func (s *Service) Acknowledge(ctx context.Context, n Notice) error {
	return s.do(ctx, func(t *tx) error { return t.held(finishNotice, t.now, n.ID, n.Attempts) })
}

// Postpone a notice: it is handed out again after a while, at most an hour.
func (s *Service) Postpone(ctx context.Context, n Notice, wait time.Duration) error {
	wait = max(0, min(wait, maxWait))
	return s.do(ctx, func(t *tx) error { return t.held(postponeNotice, t.now+wait.Microseconds(), n.ID, n.Attempts) })
}

func (t *tx) held(statement string, args ...any) error {
	rows, err := t.exec(statement, args...)
	if err == nil && rows != 1 {
		err = &Refusal{"lease", "the notice is somebody else's by now"}
	}
	return err
}

// Post is the message that shows an escalation.
func (s *Service) Post(ctx context.Context, escalationID string) (post string, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	err = s.read.QueryRowContext(ctx, selectPost, escalationID).Scan(&post)
	if errors.Is(err, sql.ErrNoRows) {
		err = unknown(escalationID)
	}
	return post, post != "", failed(err)
}

// SetPost keeps which message shows an escalation. The first one stays; whoever comes with another is refused, and has one too many.
func (s *Service) SetPost(ctx context.Context, escalationID, post string) error {
	if post == "" {
		return errors.New("a message without an id")
	}
	return s.do(ctx, func(t *tx) error {
		rows, err := t.exec(updatePost, post, escalationID)
		if err != nil || rows == 1 {
			return err
		}
		var first string
		switch err := t.QueryRowContext(t.ctx, selectPost, escalationID).Scan(&first); {
		case errors.Is(err, sql.ErrNoRows):
			return unknown(escalationID)
		case err != nil:
			return err
		case first != post:
			return &Refusal{"posted", "another message shows it already"}
		}
		return nil
	})
}
