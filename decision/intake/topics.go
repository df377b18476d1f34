package intake

import (
	"context"
	"sync"
	"time"

	"agentc/decision/fleet"
)

// ReadTopics reads the topics of all intakes of the bundle in force until the context ends, and looks again whenever it is told that there may be another bundle.
// Reach says how the brokers of an endpoint are reached.
func (s *Service) ReadTopics(ctx context.Context, changed <-chan struct{}, reach func(name string, e *fleet.Endpoint) (Kafka, error)) {
	running := map[string]*reading{}
	defer func() {
		for _, r := range running {
			r.end()
		}
	}()
	for {
		wanted := s.topics()
		for name, r := range running {
			if wanted[name] != r.of {
				r.end()
				delete(running, name)
			}
		}
		for name, of := range wanted {
			if running[name] == nil {
				running[name] = s.begin(ctx, name, of, reach)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// source of an intake: where it changes the reader begins again.
type source struct {
	name, host, topic string
	port              int32
	tls, credential   bool
}

// topics of the intakes of the bundle in force.
func (s *Service) topics() map[string]source {
	all := map[string]source{}
	if e := s.InForce(); e != nil {
		for name, in := range e.Fleet.Runtime.Intakes {
			if endpoint := e.Fleet.Runtime.Endpoints[in.Endpoint]; in.Topic != "" && endpoint != nil {
				all[name] = source{in.Endpoint, endpoint.Host, in.Topic, endpoint.Port, endpoint.TLS, endpoint.Credential}
			}
		}
	}
	return all
}

// reading of one topic.
type reading struct {
	of     source
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (r *reading) end() {
	r.cancel()
	r.done.Wait()
}

// againAfter a reader could not even begin.
const againAfter = 10 * time.Second

func (s *Service) begin(ctx context.Context, name string, of source, reach func(string, *fleet.Endpoint) (Kafka, error)) *reading {
	r := &reading{of: of}
	ctx, r.cancel = context.WithCancel(ctx)
	r.done.Go(func() {
		for {
			k, err := reach(of.name, &fleet.Endpoint{Type: "kafka", Host: of.host, Port: of.port, TLS: of.tls, Credential: of.credential})
			if err == nil {
				err = s.ReadTopic(ctx, k, name)
			}
			if ctx.Err() != nil {
				return
			}
			s.Log.Error("the topic of an intake is not read", "intake", name, "topic", of.topic, "error", err)
			if s.Wait(ctx, againAfter) != nil {
				return
			}
		}
	})
	return r
}
