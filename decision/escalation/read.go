package escalation

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const (
	selectEscalations = `SELECT id, request, lifetime, state, due, created, expires, approved_until, ended, why FROM escalations WHERE `
	selectVotes       = `SELECT escalation, vote FROM votes WHERE escalation IN (%s) ORDER BY number`
	selectTrail       = `SELECT number, kind, state, who, via, note, at FROM steps WHERE escalation = $1 ORDER BY number`
	selectPending     = `SELECT count(*), coalesce(min(created), 0) FROM escalations WHERE state = 'pending' AND due > $1 AND due - lifetime <= $2`
)

// row is an escalation as it is stored, and as it is now.
type row struct {
	Escalation       // what is over its time is expired, although nobody may have written that yet
	stored     State // what is written
	due, until int64
}

func (r *row) late() bool { return r.stored != r.State }

// fetch reads escalations with their votes.
func fetch(ctx context.Context, q querier, now int64, where string, args ...any) ([]row, error) {
	rows, err := q.QueryContext(ctx, selectEscalations+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []row{}
	for rows.Next() {
		e, err := scan(rows, now)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, withVotes(ctx, q, list)
}

func scan(rows *sql.Rows, now int64) (row, error) {
	var (
		e                                 row
		request                           string
		lifetime, created, expires, ended int64
	)
	if err := rows.Scan(&e.ID, &request, &lifetime, &e.State, &e.due, &created, &expires, &e.until, &ended, &e.Why); err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(request), &e.Request); err != nil {
		return e, fmt.Errorf("escalation %s: %w", e.ID, err)
	}
	e.Lifetime = time.Duration(lifetime) * time.Microsecond
	e.Created, e.Expires, e.ApprovedUntil, e.Ended = moment(created), moment(expires), moment(e.until), moment(ended)
	e.stored, e.Votes = e.State, []Vote{}
	if !e.State.Final() && (e.due <= now || e.due-lifetime > now+skew) {
		e.State, e.Ended = Expired, moment(min(e.due, now))
	}
	return e, nil
}

// withVotes adds the votes, oldest first.
func withVotes(ctx context.Context, q querier, list []row) error {
	if len(list) == 0 {
		return nil
	}
	places, args, byID := make([]string, len(list)), make([]any, len(list)), map[string]*row{}
	for i := range list {
		places[i], args[i], byID[list[i].ID] = fmt.Sprintf("$%d", i+1), list[i].ID, &list[i]
	}
	rows, err := q.QueryContext(ctx, fmt.Sprintf(selectVotes, strings.Join(places, ", ")), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, vote string
		if err := rows.Scan(&id, &vote); err != nil {
			return err
		}
		var v Vote
		if err := json.Unmarshal([]byte(vote), &v); err != nil {
			return fmt.Errorf("a vote on escalation %s: %w", id, err)
		}
		byID[id].Votes = append(byID[id].Votes, v)
	}
	return rows.Err()
}

// list reads escalations. Those over their time are ended on the way: somebody was told that they are, and no clock that jumps back takes that back. Where
// nothing can be written now, they are shown as expired all the same.
func (s *Service) list(ctx context.Context, where string, args ...any) ([]Escalation, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	list, err := fetch(ctx, s.read, s.micros(), where, args...)
	if err != nil {
		return nil, failed(err)
	}
	late := []string{}
	for _, e := range list {
		if e.late() {
			late = append(late, e.ID)
		}
	}
	if len(late) > 0 {
		if _, err := s.expire(ctx, late); err == nil {
			if list, err = fetch(ctx, s.read, s.micros(), where, args...); err != nil {
				return nil, failed(err)
			}
		}
	}
	plain := make([]Escalation, len(list))
	for i := range list {
		plain[i] = list[i].Escalation
	}
	return plain, nil
}

// Get one escalation.
func (s *Service) Get(ctx context.Context, id string) (Escalation, error) {
	list, err := s.list(ctx, `id = $1`, id)
	if err != nil {
		return Escalation{}, err
	}
	if len(list) == 0 {
		return Escalation{}, unknown(id)
	}
	return list[0], nil
}

func unknown(id string) error {
	return &Refusal{"unknown", fmt.Sprintf("there is no escalation %.40q", id)}
}

// Filter of a list. What is empty does not restrict it.
type Filter struct {
	States                []State
	Caller, Callee, Skill string
	Before                time.Time // created before it: the last one's, for the next page
	Limit                 int       // 100; at most 1,000
}

// List of escalations, newest first.
func (s *Service) List(ctx context.Context, f Filter) ([]Escalation, error) {
	if len(f.States) > 0 {
		_, _ = s.Expire(ctx) // before states are asked for; where nothing can be written, they are shown as they are all the same
	}
	where, args := []string{"TRUE"}, []any{}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	for _, c := range []struct{ condition, value string }{{"caller = $%d", f.Caller}, {"callee = $%d", f.Callee}, {"skill = $%d", f.Skill}} {
		if c.value != "" {
			add(c.condition, c.value)
		}
	}
	if !f.Before.IsZero() {
		add("created < $%d", f.Before.UnixMicro())
	}
	states := []string{}
	for _, state := range f.States {
		args = append(args, string(state))
		states = append(states, fmt.Sprintf("$%d", len(args)))
	}
	if len(states) > 0 {
		where = append(where, "state IN ("+strings.Join(states, ", ")+")")
	}
	return s.list(ctx, strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY created DESC, number DESC LIMIT %d", limited(f.Limit)), args...)
}

func limited(n int) int {
	if n <= 0 {
		return 100
	}
	return min(n, 1000)
}

// Like lists what became of questions about the same callee and skill, newest first.
func (s *Service) Like(ctx context.Context, e Escalation, limit int) ([]Escalation, error) {
	return s.list(ctx, `callee = $1 AND skill = $2 AND id <> $3 AND state IN ('consumed', 'rejected', 'expired', 'cancelled')
		ORDER BY created DESC, number DESC LIMIT `+fmt.Sprint(limited(limit)), e.Callee, e.Skill, e.ID)
}

// Trail lists the steps of an escalation, oldest first.
func (s *Service) Trail(ctx context.Context, id string) ([]Step, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, selectTrail, id)
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	list := []Step{}
	for rows.Next() {
		var step Step
		var at int64
		if err := rows.Scan(&step.Number, &step.Kind, &step.State, &step.By, &step.Via, &step.Note, &at); err != nil {
			return nil, failed(err)
		}
		step.At = moment(at)
		list = append(list, step)
	}
	if len(list) == 0 && rows.Err() == nil {
		return nil, unknown(id)
	}
	return list, failed(rows.Err())
}

// Pending says how many wait for people, and since when the oldest does.
func (s *Service) Pending(ctx context.Context) (n int, oldest time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	var since int64
	now := s.micros()
	err = s.read.QueryRowContext(ctx, selectPending, now, now+skew).Scan(&n, &since)
	return n, moment(since), failed(err)
}
