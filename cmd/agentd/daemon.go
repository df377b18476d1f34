package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/decision/escalation"
	"agentc/decision/identity"
	"agentc/decision/intake"
	"agentc/decision/loader"
	"agentc/decision/metrics"
	"agentc/decision/point"
	"agentc/decision/record"
	"agentc/decision/tracing"

	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/sync/errgroup"
)

// daemon is everything that serve runs, in the order in which it is opened.
type daemon struct {
	flags
	log         *slog.Logger
	metrics     *metrics.Metrics
	keeper      *identity.Keeper // nil with --dev
	records     *record.Log
	escalations *escalation.Service
	pageKey     []byte // of the forms on the page, the same on every replica
	quarantines *point.Quarantines
	loader      *loader.Loader
	point       *point.Point
	intake      *intake.Service
	topics      *topics
	changed     chan struct{} // there may be another bundle
	chats       *chats
	dial        func(ctx context.Context, network, address string) (net.Conn, error) // to agents' guards
	recorded    record.Activation                                                    // what the last record of a bundle says
	callbackURL string                                                               // empty: no click reaches us
	close       []func() error                                                       // the last is closed first
}

// Times of what goes on beside the requests.
const (
	bundleEvery      = 5 * time.Second
	certificateEvery = 10 * time.Second
	quarantineEvery  = time.Second
	expireEvery      = time.Second
	shutdown         = 5 * time.Second // of what is told to others at the end
)

// run agentd until the context ends.
func (f *flags) run(ctx context.Context, stderr io.Writer) (err error) {
	d, err := f.open(ctx, stderr)
	if d != nil {
		defer func() { err = errors.Join(err, d.end()) }()
	}
	if err != nil {
		return err
	}
	listeners, err := d.listeners(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, loop := range d.loops() {
		g.Go(func() error { loop(ctx); return nil })
	}
	for _, l := range listeners {
		g.Go(func() error { return l.serve(ctx) })
	}
	d.log.Info("agentd listens", "at", listeners[0].Addr().String(), "data", d.data)
	err = g.Wait()
	d.log.Info("agentd ends", "error", err)
	return err
}

// open the parts, each on what was opened before.
func (f *flags) open(ctx context.Context, stderr io.Writer) (*daemon, error) {
	d := &daemon{flags: *f, metrics: metrics.New(), dial: (&net.Dialer{Timeout: dialTimeout}).DialContext}
	for _, part := range []func(context.Context) error{
		func(context.Context) error { return d.openLog(stderr) },
		d.openData, d.openIdentity, d.openRecords, d.openEscalations, d.openPoint, d.openIntake, d.openBundle, d.openChats, d.openMetrics,
	} {
		if err := part(ctx); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *daemon) end() (err error) {
	for i := len(d.close) - 1; i >= 0; i-- {
		err = errors.Join(err, d.close[i]())
	}
	return err
}

func (d *daemon) openLog(stderr io.Writer) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(d.flags.log)); err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	d.log = slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level}))
	return nil
}

// openData makes the folder. On one's own machine, where none is named, it is gone with the process.
func (d *daemon) openData(context.Context) (err error) {
	if d.data != "" {
		return os.MkdirAll(d.data, 0o700)
	}
	if d.data, err = os.MkdirTemp("", "agentd-"); err == nil {
		d.close = append(d.close, func() error { return os.RemoveAll(d.data) })
	}
	return err
}

func (d *daemon) openIdentity(context.Context) (err error) {
	if d.dev {
		d.log.Warn("--dev: whoever reaches this address is believed")
		return nil
	}
	d.keeper, err = identity.Keep(d.tls, d.ca)
	return err
}

func (d *daemon) openRecords(context.Context) (err error) {
	d.records, err = record.Open(d.data, record.Options{Keep: d.keep})
	if err == nil {
		d.close = append(d.close, d.records.Close)
	}
	return err
}

func (d *daemon) openEscalations(ctx context.Context) error {
	dsn := filepath.Join(d.data, "escalations.db")
	if d.database != "" {
		text, err := os.ReadFile(filepath.Join(d.credentials, d.database))
		if err != nil {
			return fmt.Errorf("--database: %w", err)
		}
		dsn = strings.TrimSpace(string(text))
		if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
			return fmt.Errorf("--database: %s holds no postgres:// URI", d.database) // it would be taken for the name of a file, and told with its password
		}
	}
	s, err := escalation.Open(ctx, dsn, escalation.Options{Stepped: d.stepped, Held: d.held})
	if err != nil {
		return err
	}
	d.escalations = s
	d.close = append(d.close, s.Close)
	if d.pageKey, err = s.Secret(ctx, "page"); err != nil {
		return err
	}
	d.quarantines = &point.Quarantines{List: s.Quarantines, Now: time.Now}
	return d.quarantines.Look(ctx)
}

func (d *daemon) openPoint(ctx context.Context) error {
	d.point = &point.Point{
		Bundle: func() (*loader.InForce, error) { return d.loader.Current() }, Escalations: d.escalations, Quarantined: d.quarantines.Of,
		Record: d.record, Decided: d.count, Tracer: noop.NewTracerProvider().Tracer("agentd"), Now: time.Now,
	}
	if d.otlp == "" {
		return nil
	}
	provider, err := tracing.New(ctx, d.otlp, "agentd", version, d.environment)
	if err != nil {
		return fmt.Errorf("--otlp: %w", err)
	}
	d.point.Tracer = provider.Tracer("agentd")
	d.close = append(d.close, func() error {
		last, cancel := context.WithTimeout(context.Background(), shutdown)
		defer cancel()
		return provider.Shutdown(last)
	})
	return nil
}

func (d *daemon) count(decision *point.Decision) {
	d.metrics.Decisions.WithLabelValues(decision.Verdict).Inc()
	d.metrics.Duration.Observe(decision.Took.Seconds())
}

func (d *daemon) openBundle(ctx context.Context) error {
	l := &loader.Loader{
		Source: d.source(), Environment: d.environment, Data: d.data, MaxStaleness: d.maxStaleness, Now: time.Now, Log: d.log, Changed: d.bundleChanged,
		Prepare: func(ctx context.Context, b *bundle.Bundle) (*engine.Engine, error) {
			defer debug.FreeOSMemory() // reading a bundle takes several times what is kept of it
			return engine.New(ctx, b, engine.Options{Rego: d.engine == "rego"})
		},
	}
	if d.trust == "key" && !d.dev {
		keys, err := bundle.ReadKeys(d.keys)
		if err != nil {
			return fmt.Errorf("--keys: %w", err)
		}
		l.Keys = keys
	}
	d.loader = l
	if err := l.Start(ctx); err != nil {
		return err
	}
	if _, err := l.Current(); err != nil && d.dev {
		return errors.New(l.Status().Error) // nobody waits for one on their own machine
	}
	if d.devPerson != "" && approvals.PersonNamed(d.fleet(), d.devPerson) == nil {
		return fmt.Errorf("--dev-person is %q; the policy knows %s", d.devPerson, strings.Join(slices.Sorted(maps.Keys(d.fleet().Escalation.People)), ", "))
	}
	return nil
}

func (d *daemon) source() loader.Source {
	if !strings.Contains(d.bundle, "://") {
		return loader.File(d.bundle)
	}
	client := d.outside(time.Minute)
	client.CheckRedirect = loader.NoRedirects
	r := &loader.Remote{URL: d.bundle, Client: client}
	if d.bundleCredential != "" {
		r.Credential = filepath.Join(d.credentials, d.bundleCredential)
	}
	return r
}

func (d *daemon) openMetrics(context.Context) error {
	s := metrics.Sources{Bundle: d.loader.Status, Escalations: d.escalations.Pending, AuditLag: d.records.Lag, Now: time.Now}
	if d.keeper != nil {
		s.Certificate = d.keeper.Ends
	}
	d.metrics.Read(s)
	return nil
}

// loops go on beside the requests.
func (d *daemon) loops() []func(context.Context) {
	loops := []func(context.Context){
		every(cmp.Or(d.bundleEvery, bundleEvery), func(ctx context.Context) { d.loader.Look(ctx) }), // its status says what came of it
		every(quarantineEvery, d.look("it is not known who is in quarantine", d.quarantines.Look)),
		every(expireEvery, d.look("escalations that are over cannot be ended", func(ctx context.Context) error {
			_, err := d.escalations.Expire(ctx) // they are rejected in any case; here it is told
			return err
		})),
		d.readTopics,
	}
	if d.credentials != "" { // otherwise no chat can be had: there is the page, and the command line
		loops = append(loops, d.notify)
	}
	if d.keeper != nil {
		look := d.look("the new certificate cannot be used; the old one stays", func(context.Context) error { return d.keeper.Look() })
		loops = append(loops, every(certificateEvery, look))
	}
	return loops
}

// look after something; what goes wrong is told.
func (d *daemon) look(trouble string, do func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			d.log.Error(trouble, "error", err)
		}
	}
}

// every so often, until the context ends.
func every(period time.Duration, do func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(ctx)
			}
		}
	}
}
