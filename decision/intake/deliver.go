package intake

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Hop is where events go on to.
type Hop interface {
	// Hand over an event, once. An error that is no *Refusal is worth another try.
	Hand(ctx context.Context, m *Message) error
}

// Refusal is an answer that another try would not change.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// unsure is a hand-over of which nobody knows what the event had to do with it: the other side had it, and failed, or gave no answer in time. An event that met
// mostUnsure of them in unsureFor is refused, or those that an agent cannot digest would stop all others. An agent that starts again takes less long. A way
// that is closed is never one: it is tried for ever.
type unsure struct {
	err   error
	after time.Duration // that the other side asks for
}

func (u *unsure) Error() string { return u.err.Error() }
func (u *unsure) Unwrap() error { return u.err }

const (
	mostUnsure = 5
	unsureFor  = 10 * time.Minute
)

// busy is a way that is closed for now.
type busy struct {
	err   error
	after time.Duration // that the other side asks for
}

func (b *busy) Error() string { return b.err.Error() }
func (b *busy) Unwrap() error { return b.err }

// Waits between two attempts: each is up to twice as long as the one before, and all of them are of chance, so that many do not come back at the same time.
const (
	firstWait = 100 * time.Millisecond
	mostWait  = 30 * time.Second
)

// slots of an intake: what is handed over at the same time, and what may wait for that.
type slots struct{ queue, work chan struct{} }

func (s *Service) slotsOf(intake string) *slots {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots[intake] == nil {
		s.slots[intake] = &slots{make(chan struct{}, s.Queue+s.Workers), make(chan struct{}, s.Workers)}
	}
	return s.slots[intake]
}

// deliver an event to the next hop. A source that waits waits for as long as it takes; others are told that we are full.
func (s *Service) deliver(ctx context.Context, r *route, m *Message, waits bool) error {
	start := s.Now()
	leave, err := s.enter(ctx, r.name, waits)
	if err != nil {
		return err
	}
	defer leave()
	unsureBefore := 0
	for attempt := 0; ; attempt++ {
		err := r.try(ctx, m)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var refused *Refusal
		if errors.As(err, &refused) {
			return refused
		}
		var u *unsure
		if errors.As(err, &u) {
			if unsureBefore++; unsureBefore >= mostUnsure && s.Now().Sub(start) >= unsureFor {
				return &Refusal{fmt.Sprintf("tried %d times, and the last time: %v", attempt+1, err)}
			}
		}
		pause := pauseAfter(err, attempt)
		if !waits && s.Now().Add(pause).Sub(start) > s.Patience {
			return fmt.Errorf("%w: %w", errFull, err)
		}
		s.metrics.retries.Inc()
		s.Log.Warn("an event could not be handed over yet", "intake", r.name, "message_id", m.ID, "attempt", attempt+1, "again_in", pause, "error", err)
		if err := s.Wait(ctx, pause); err != nil {
			return err
		}
	}
}

// enter the queue of an intake, and wait for one's turn.
func (s *Service) enter(ctx context.Context, intake string, waits bool) (leave func(), err error) {
	slots := s.slotsOf(intake)
	if !waits {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.Patience, errFull)
		defer cancel()
		select {
		case slots.queue <- struct{}{}:
		default:
			return nil, errFull
		}
		defer func() {
			if err != nil {
				<-slots.queue
			}
		}()
	}
	select {
	case slots.work <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return func() {
		<-slots.work
		if !waits {
			<-slots.queue
		}
	}, nil
}

// try once. That nobody answered in time says nothing of whether the event was taken.
func (r *route) try(ctx context.Context, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	err := r.hop.Hand(ctx, m)
	var u *unsure
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, &u) {
		return &unsure{err: fmt.Errorf("no answer in %s: %w", r.timeout, err)}
	}
	return err
}

// pauseAfter an attempt: what the other side asks for, within reason, or else what chance says.
func pauseAfter(err error, attempt int) time.Duration {
	most := min(mostWait, firstWait<<min(attempt, 20))
	pause := most/2 + rand.N(most/2)
	var u *unsure
	var b *busy
	switch {
	case errors.As(err, &u):
		pause = max(pause, u.after)
	case errors.As(err, &b):
		pause = max(pause, b.after)
	}
	return min(pause, mostWait)
}
