package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"agentc/decision/authzen"
	"agentc/decision/bundle"
	"agentc/decision/engine"

	"github.com/spf13/cobra"
)

// serving is what agentd serves, and where.
type serving struct {
	bundle, listen, engine string
	dev                    bool
}

func newServe() *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "serve --dev --bundle FILE|DIR",
		Short: "Answer whether an agent may do something: AuthZEN's Authorization API 1.0",
		Long: `serve reads a bundle, asks it its own questions, and answers those of others. With --dev it listens on this machine alone, without TLS, takes a
bundle that nobody sealed, and believes whoever asks, also how unusual an event was.`,
		Example: "  agentd serve --dev --bundle generated/dev/bundle",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := s.open(cmd.Context())
			if err != nil {
				return err
			}
			return s.serve(cmd.Context(), l)
		},
	}
	cmd.Flags().StringVar(&s.bundle, "bundle", "", "file or folder of the bundle")
	cmd.Flags().StringVar(&s.listen, "listen", "127.0.0.1:8444", "where to listen")
	cmd.Flags().StringVar(&s.engine, "engine", "auto", "auto: a table answers what the bundle says as data; rego: the bundle's Rego answers everything")
	cmd.Flags().BoolVar(&s.dev, "dev", false, "on this machine alone: no TLS, no seal")
	return cmd
}

// open listens, where that is allowed.
func (s *serving) open(ctx context.Context) (net.Listener, error) {
	if !s.dev {
		return nil, errors.New("there is nothing but --dev yet: on this machine alone, without TLS")
	}
	if s.engine != "auto" && s.engine != "rego" {
		return nil, fmt.Errorf("--engine is %q; it is auto or rego", s.engine)
	}
	host, _, err := net.SplitHostPort(s.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("--listen is %q; with --dev it is an address of this machine alone, such as 127.0.0.1:8444", s.listen)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", s.listen)
}

// Limits of a client.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	drain         = 10 * time.Second // what is being answered when the end comes
)

func (s *serving) serve(ctx context.Context, l net.Listener) error {
	b, err := bundle.Open(s.bundle)
	if err != nil {
		return err
	}
	e, err := engine.New(ctx, b, engine.Options{Rego: s.engine == "rego"})
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // reading a bundle takes several times what is kept of it
	api := authzen.Server{
		Engine: func() *engine.Engine { return e }, Now: time.Now, URL: "http://" + l.Addr().String(), Trusted: func(*http.Request) bool { return s.dev },
	}
	server := &http.Server{
		Handler: api.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	m := b.Manifest
	slog.Warn("--dev: whoever reaches this address is believed", "listen", api.URL, "environment", m.Metadata.Environment, "revision", m.Revision, "sequence", m.Metadata.Sequence, "table", e.Native)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		return server.Shutdown(last)
	}
}
