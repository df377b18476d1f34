package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"agentc/decision/engine"
	"agentc/decision/fleet"
	"agentc/decision/intake"
)

// events' part of the daemon: where they come from, whom they are passed on to.

// dialTimeout of whoever is passed an event.
const dialTimeout = 5 * time.Second

// openIntake makes the service that takes events.
func (d *daemon) openIntake(context.Context) (err error) {
	d.topics = &topics{daemon: d, open: map[fleet.Target]*intake.Topic{}}
	d.close = append(d.close, d.topics.close)
	d.changed = make(chan struct{}, 1)
	d.intake, err = intake.New(intake.Config{
		InForce: func() *engine.Engine {
			f, err := d.loader.Current()
			if err != nil {
				return nil
			}
			return f.Engine
		},
		Hop: d.hop, Allowed: d.mayPost, Record: d.filtered, Now: time.Now, Metrics: d.metrics.Registry, Log: d.log,
	})
	return err
}

// mayPost says whether somebody is the client that the spec names for an intake.
func (d *daemon) mayPost(r *http.Request, i fleet.Intake) bool {
	if d.keeper == nil {
		return true
	}
	return i.Client != "" && peerOf(r).ID == i.Client
}

// hop is where the events of an intake go on to: a topic, or the agent's guard. On one's own machine there is no guard, and what is passed on is told.
func (d *daemon) hop(i *fleet.Intake) (intake.Hop, error) {
	if i.Forward != nil {
		return d.topics.to(*i.Forward)
	}
	if d.keeper == nil {
		return told{d}, nil
	}
	f := d.fleet()
	if f == nil || f.Agent(i.Agent) == nil {
		return nil, fmt.Errorf("the bundle has no agent %q", i.Agent)
	}
	transport := &http.Transport{
		TLSClientConfig: d.keeper.Client(f.Agent(i.Agent).ID), DialContext: d.dial, TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
	}
	return &intake.Agents{Client: &http.Client{Transport: transport}}, nil
}

// told passes events on to the log.
type told struct{ *daemon }

func (t told) Hand(_ context.Context, m *intake.Message) error {
	t.log.Info("passed on; with --dev there is no agent to hand it to", "to", m.URL, "message", m.ID, "traceparent", m.TraceParent)
	return nil
}

// topics that events are passed on to, each with one connection for all bundles.
type topics struct {
	*daemon
	mu   sync.Mutex
	open map[fleet.Target]*intake.Topic
}

func (t *topics) to(target fleet.Target) (intake.Hop, error) {
	f := t.fleet()
	if f == nil {
		return nil, errNoPolicy
	}
	endpoint := f.Runtime.Endpoints[target.Endpoint]
	if endpoint == nil {
		return nil, fmt.Errorf("the bundle has no endpoint %q", target.Endpoint)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if topic := t.open[target]; topic != nil {
		return topic, nil
	}
	brokers, err := t.reach(target.Endpoint, endpoint)
	if err != nil {
		return nil, err
	}
	topic, err := intake.NewTopic(brokers, target.Topic)
	if err == nil {
		t.open[target] = topic
	}
	return topic, err
}

func (t *topics) close() error {
	for _, topic := range t.open {
		topic.Close()
	}
	return nil
}

// kafkaMechanism of brokers that want a credential. It is the strongest that all of them have.
const kafkaMechanism = "SCRAM-SHA-512"

// reach brokers. Where there is a credential, it is a password of the user agentd, or user:password.
func (d *daemon) reach(name string, e *fleet.Endpoint) (intake.Kafka, error) {
	k := intake.Kafka{Brokers: []string{net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))}}
	if e.TLS {
		config, err := d.roots()
		if err != nil {
			return k, err
		}
		k.TLS = config
	}
	if d.credentials != "" && e.Credential {
		k.Mechanism, k.User, k.Credential = kafkaMechanism, "agentd", filepath.Join(d.credentials, name)
	}
	return k, nil
}

// roots are whom endpoints outside the fleet are known by: the system's authorities and the fleet's own.
func (d *daemon) roots() (*tls.Config, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if d.keeper != nil {
		pool.AppendCertsFromPEM(d.keeper.Authorities())
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

// outside is a client for what is outside the fleet.
func (d *daemon) outside(timeout time.Duration) *http.Client {
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: time.Minute}
	if config, err := d.roots(); err == nil {
		transport.TLSClientConfig = config
	} else {
		d.log.Error("the system's authorities cannot be read", "error", err)
	}
	return &http.Client{Transport: transport, Timeout: timeout}
}

// readTopics of the bundle in force, and of those that come after it.
func (d *daemon) readTopics(ctx context.Context) { d.intake.ReadTopics(ctx, d.changed, d.reach) }
