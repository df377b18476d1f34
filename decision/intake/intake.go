// Package intake takes events in, asks the prefilter about each, and passes it on or drops it:
//
//	POST /intake/<name> \                                            / agent's guard, by A2A
//	Kafka topic ---------> parse, score, threshold -- passed on ---->
//	lines of a file     /                          \                 \ Kafka topic
//	                                                dropped
//
// Nothing is lost in silence. An event that cannot be read or scored is passed on; one that cannot be handed over yet waits, and its source with it; one that
// is refused for good is counted, recorded and logged. What comes twice has the same message id both times. Events are handled side by side: their order is
// not kept, not even within a namespace.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"agentc/decision/engine"
	"agentc/decision/fleet"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of a service. What is marked optional may be left out.
type Config struct {
	InForce func() *engine.Engine                            // the bundle; nil: there is none, and nothing is taken
	Hop     func(*fleet.Intake) (Hop, error)                 // where an intake's events go on to
	Allowed func(*http.Request, fleet.Intake) bool           // whether somebody may post events
	Record  func(Event)                                      // optional: hears of every event, once it is dropped, handed over or refused
	Now     func() time.Time                                 // of the budgets and of the policy
	Wait    func(ctx context.Context, d time.Duration) error // optional: between two attempts
	Metrics prometheus.Registerer
	Log     *slog.Logger

	Workers  int           // optional: events of an intake that are handed over at the same time
	Queue    int           // optional: posts of an intake that wait for that
	Patience time.Duration // optional: how long a post waits before it is told to come again
}

// The defaults, and what an event may be at most. Packed as base64 an event fits into what a guard reads (strict.MaxBytes).
const (
	defaultWorkers  = 8
	defaultQueue    = 64
	defaultPatience = 20 * time.Second
	MaxEvent        = 128 << 10
)

// Service takes events of all intakes of a bundle.
type Service struct {
	Config
	metrics *metrics

	current   atomic.Pointer[filters] // of the bundle in force
	preparing sync.Mutex
	mu        sync.Mutex
	slots     map[string]*slots // by intake
}

// New service; its metrics are registered.
func New(c Config) (*Service, error) {
	if c.Workers <= 0 {
		c.Workers = defaultWorkers
	}
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	if c.Patience <= 0 {
		c.Patience = defaultPatience
	}
	if c.Wait == nil {
		c.Wait = sleep
	}
	s := &Service{Config: c, slots: map[string]*slots{}}
	var err error
	s.metrics, err = newMetrics(c.Metrics, func() time.Time { return s.Now() })
	return s, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Why an event was not taken. It is neither counted nor recorded: it is still its source's.
var (
	errNoBundle = errors.New("there is no bundle yet, and no event is taken without one")
	errUnknown  = errors.New("the bundle has no such intake")
	errFull     = errors.New("what comes behind takes no more events for now")
)

// Outcome of an event that was taken.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Dropped Outcome = "dropped"
	Failed  Outcome = "failed" // it was to be passed on, and nobody can take it
)

// arrival is an event as it came.
type arrival struct {
	intake string
	raw    []byte
	parent string // traceparent that came with it; empty: none
	from   string // where it stands, for people: falco-events/3/4711
	waits  bool   // its source can wait for as long as it takes; else it has the service's patience
}

// take an event: it returns once the event was dropped, handed over, or refused for good. With an error the event was not taken.
func (s *Service) take(ctx context.Context, a arrival) (Event, error) {
	f, err := s.filters()
	if err != nil {
		return Event{}, err
	}
	r := f.routes[a.intake]
	if r == nil {
		return Event{}, fmt.Errorf("%q: %w", a.intake, errUnknown)
	}
	e := newEvent(f, r, a, s.Now())
	if len(a.raw) > MaxEvent {
		return s.end(e, Failed, fmt.Errorf("it has %d bytes; %d are possible", len(a.raw), MaxEvent)), nil
	}
	parsed, d := r.decide(ctx, &e, a.raw)
	s.metrics.threshold(f, &d)
	if !d.Passed() {
		return s.end(e, Dropped, nil), nil
	}
	e.Features = r.filter.reasons(parsed)
	err = s.deliver(ctx, r, messageOf(&e, r, a.raw, parsed != nil), a.waits)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		return s.end(e, Failed, err), nil
	case err != nil:
		return e, err
	}
	return s.end(e, Passed, nil), nil
}

// end of an event: it is counted, recorded, and logged where it went wrong.
func (s *Service) end(e Event, o Outcome, err error) Event {
	e.Outcome = o
	if err != nil {
		e.Error = err.Error()
		s.Log.Error("an event could not be passed on", "intake", e.Intake, "from", e.From, "trace_id", e.TraceID, "message_id", e.MessageID, "digest", e.Digest, "error", err)
	}
	s.metrics.events.WithLabelValues(string(o)).Inc()
	if s.Record != nil {
		s.Record(e)
	}
	return e
}
