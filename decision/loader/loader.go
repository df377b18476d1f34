// Package loader keeps a bundle in force. A new one is read, verified, compiled and tested aside, and takes the old one's place in one step, with the forests
// and thresholds in it; whatever is wrong with it, the old one stays, and status and metrics say why. What was in force outlives the process, so that
// a source that is away does not end the decisions.
package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"agentc/decision/bundle"
	"agentc/decision/engine"
)

// Source of bundles.
type Source interface {
	// Fetch what there is. It is nil where that is still what the tag names.
	Fetch(ctx context.Context, tag string) (*Fetched, error)
}

// Fetched is a bundle as it came.
type Fetched struct {
	Archive []byte         // nil where it came unpacked
	Bundle  *bundle.Bundle // nil where it came packed
	Tag     string         // by which the source knows it
}

func (f *Fetched) open() (*bundle.Bundle, error) {
	if f.Bundle != nil {
		return f.Bundle, nil
	}
	return bundle.Read(f.Archive)
}

// Loader of one environment's bundle. Its exported fields do not change once it is started.
type Loader struct {
	Source       Source
	Keys         bundle.Keys   // that seal; nil: a bundle need not be sealed
	Environment  string        // that it must be for; empty: any
	Data         string        // folder where it is remembered; empty: nowhere
	MaxStaleness time.Duration // after which nothing is decided by a bundle that nobody confirmed; 0: never
	Now          func() time.Time
	Prepare      func(context.Context, *bundle.Bundle) (*engine.Engine, error)
	Changed      func(Event) // hears of every bundle that was taken or refused; nil: nobody does
	Log          *slog.Logger

	inForce atomic.Pointer[InForce]
	mu      sync.Mutex // of the status; the rest only Look and Start change, one at a time
	status  Status
	mark    mark
	tag     string
}

// InForce is what is decided by.
type InForce struct {
	*engine.Engine
	Archive  []byte    // as it came; nil where it came unpacked
	NotAfter time.Time // zero: it does not end
	Since    time.Time
}

// Status of the bundle, for people and metrics.
type Status struct {
	Environment string    `json:"environment"`
	Revision    string    `json:"revision"`
	Sequence    int64     `json:"sequence"`
	Digest      string    `json:"digest"`
	Since       time.Time `json:"since,omitzero"`     // when it was taken
	Confirmed   time.Time `json:"confirmed,omitzero"` // when the source last said that it is the current one
	NotAfter    time.Time `json:"not_after,omitzero"`
	Refused     int       `json:"refused"`         // bundles, since the start
	Error       string    `json:"error,omitempty"` // why the last look at the source did not lead to the current bundle
}

// Event is a bundle that was taken, or refused.
type Event struct {
	Revision string
	Sequence int64
	Digest   string
	Err      error // nil: it is in force
}

// Current is what is decided by now, or the reason why nothing is.
func (l *Loader) Current() (*InForce, error) {
	f := l.inForce.Load()
	if f == nil {
		return nil, errors.New("there is no bundle yet, and nothing is decided without one")
	}
	now := l.Now()
	if !f.NotAfter.IsZero() && now.After(f.NotAfter) {
		return nil, fmt.Errorf("the bundle ended at %s, and nothing is decided by it any more", f.NotAfter.Format(time.RFC3339))
	}
	if l.MaxStaleness > 0 {
		if confirmed := l.Status().Confirmed; now.Sub(confirmed) > l.MaxStaleness {
			return nil, fmt.Errorf("nobody has confirmed the bundle since %s, and nothing is decided by it after %s", confirmed.Format(time.RFC3339), l.MaxStaleness)
		}
	}
	return f, nil
}

// Status now.
func (l *Loader) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Start takes the first bundle: the source's, or else the one that is remembered. Where there is neither, the status says so, and whoever looks again may find one. It is an
// error only where it is not known which bundles are too old.
func (l *Loader) Start(ctx context.Context) error {
	if err := l.recall(); err != nil {
		return err
	}
	err := l.Look(ctx)
	if l.inForce.Load() != nil {
		return nil
	}
	remembered := l.remembered(ctx)
	if remembered == nil {
		l.Log.Warn("the source has no bundle; going on with the one that was in force", "error", err)
	} else if !errors.Is(remembered, errNothing) {
		l.fail(errors.Join(err, fmt.Errorf("the bundle that was in force: %w", remembered)))
	}
	return nil
}

// Look at the source once. What it says stands in the status, too.
func (l *Loader) Look(ctx context.Context) error {
	f, err := l.Source.Fetch(ctx, l.tag)
	if err == nil && f != nil {
		if now := l.inForce.Load(); now != nil && f.Archive != nil && bytes.Equal(f.Archive, now.Archive) {
			l.tag = f.Tag // a source that names no tag gives the same again and again
		} else if err = l.take(ctx, f); err == nil {
			l.tag = f.Tag // and not before: a bundle that was refused is offered again
		}
	}
	if err != nil {
		l.fail(err)
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Error, l.status.Confirmed = "", l.Now()
	return nil
}

func (l *Loader) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if said := err.Error(); said != l.status.Error {
		l.status.Error = said
		l.Log.Error("the current bundle is not in force", "error", err)
	}
}

// take a bundle, or say why not.
func (l *Loader) take(ctx context.Context, f *Fetched) error {
	b, err := f.open()
	if err == nil {
		err = l.activate(ctx, b, f.Archive, true)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	l.mu.Lock()
	l.status.Refused++
	l.mu.Unlock()
	if l.Changed != nil {
		e := Event{Err: err}
		if b != nil {
			e.Revision, e.Sequence, e.Digest = b.Manifest.Revision, b.Manifest.Metadata.Sequence, b.Digest
		}
		l.Changed(e)
	}
	return err
}

// activate verifies, then compiles, then remembers, then swaps.
func (l *Loader) activate(ctx context.Context, b *bundle.Bundle, archive []byte, remember bool) error {
	notAfter, err := l.allowed(b)
	if err != nil {
		return err
	}
	e, err := l.prepared(ctx, b)
	if err != nil {
		return err
	}
	if remember {
		if err := l.remember(b, archive); err != nil {
			return fmt.Errorf("the bundle cannot be remembered: %w", err)
		}
	}
	f := &InForce{Engine: e, Archive: archive, NotAfter: notAfter, Since: l.Now()}
	m := e.Manifest
	l.mu.Lock()
	l.status = Status{
		Environment: m.Metadata.Environment, Revision: m.Revision, Sequence: m.Metadata.Sequence, Digest: e.Digest,
		Since: f.Since, Confirmed: l.status.Confirmed, NotAfter: notAfter, Refused: l.status.Refused,
		Error: l.status.Error,
	}
	l.mu.Unlock()
	l.inForce.Store(f)
	l.Log.Info("bundle in force", "environment", m.Metadata.Environment, "revision", m.Revision, "sequence", m.Metadata.Sequence, "digest", e.Digest)
	if l.Changed != nil {
		l.Changed(Event{Revision: m.Revision, Sequence: m.Metadata.Sequence, Digest: e.Digest})
	}
	return nil
}

// prepared bundle. One that makes us panic is none.
func (l *Loader) prepared(ctx context.Context, b *bundle.Bundle) (e *engine.Engine, err error) {
	defer func() {
		if p := recover(); p != nil {
			e, err = nil, fmt.Errorf("the bundle cannot be prepared: %v", p)
		}
	}()
	return l.Prepare(ctx, b)
}

// allowed says until when a bundle may be in force, if it may at all: nothing of it was run yet.
func (l *Loader) allowed(b *bundle.Bundle) (notAfter time.Time, err error) {
	m := b.Manifest.Metadata
	if l.Environment != "" && m.Environment != l.Environment {
		return notAfter, fmt.Errorf("the bundle is for the environment %q; this is %q", m.Environment, l.Environment)
	}
	switch {
	case l.Keys != nil:
		if err := b.Verify(l.Keys); err != nil {
			return notAfter, err
		}
		if m.Sequence < 1 || m.NotAfter == "" {
			return notAfter, errors.New("the bundle is signed, and has no sequence or no end")
		}
	case b.Sealed():
		l.Log.Debug("the bundle is sealed, and nobody asked for that: the seal is not looked at")
	}
	if m.NotAfter != "" {
		if notAfter, err = time.Parse(time.RFC3339, m.NotAfter); err != nil {
			return notAfter, fmt.Errorf("the bundle's not_after: %w", err)
		}
		if l.Now().After(notAfter) {
			return notAfter, fmt.Errorf("the bundle ended at %s", m.NotAfter)
		}
	}
	if l.Keys == nil {
		return notAfter, nil
	}
	return notAfter, l.mark.permits(b)
}
