package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/authzen"
	"agentc/decision/escalation"
	"agentc/decision/identity"
	"agentc/decision/listen"
	"agentc/decision/mcp"
	"agentc/decision/point"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// listener is one of the ports.
type listener struct {
	net.Listener
	server *http.Server
	tls    *tls.Config // nil: without
}

func (l *listener) serve(ctx context.Context) error {
	return listen.Serve(ctx, l.server, l.Listener, l.tls)
}

// listeners opens the ports: decisions, whatever else only the node's kubelet or Prometheus gets to.
func (d *daemon) listeners(ctx context.Context) (all []*listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
		}
	}()
	for _, p := range []struct {
		flag, address string
		handler       func(url string) http.Handler
		tls           func(*identity.Keeper) *tls.Config // nil: none
	}{
		{"listen", d.listen, d.decisions, (*identity.Keeper).Server},
		{"health", d.health, d.healthy, nil},
		{"admin", d.admin, d.administered, nil},
		{"callback", d.callback, d.clicked, (*identity.Keeper).Open},
	} {
		if p.address == "" {
			continue
		}
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", p.address)
		if err != nil {
			return all, fmt.Errorf("--%s: %w", p.flag, err)
		}
		handler := p.handler(d.url(l))
		if d.dev {
			handler = listen.LocalHost(handler)
		}
		one := &listener{Listener: l, server: listen.Server(handler, d.log, func() { d.refused("panic") })}
		if p.tls != nil && d.keeper != nil {
			one.tls = p.tls(d.keeper)
		}
		all = append(all, one)
	}
	return all, nil
}

// url under which clients know a port.
func (d *daemon) url(l net.Listener) string {
	if d.keeper == nil {
		return "http://" + l.Addr().String()
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "https://" + l.Addr().String()
	}
	return "https://" + net.JoinHostPort(d.keeper.Name(), port)
}

func (d *daemon) refused(why string) { d.metrics.Refused.WithLabelValues(why).Inc() }

// who asks, by the certificate; on one's own machine, anybody.
func (d *daemon) who(r *http.Request) (point.By, error) {
	by := point.By{From: r.RemoteAddr}
	if local, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr); is {
		by.To = local.String()
	}
	if d.keeper == nil {
		by.Anybody = true
		return by, nil
	}
	by.ID = peerOf(r).ID
	return by, nil
}

// decisions are what agents, guards and people come for.
func (d *daemon) decisions(url string) http.Handler {
	mux := http.NewServeMux()
	api := (&authzen.Server{Point: d.point, Who: d.who, URL: url, Requests: url + approvals.Requests, Refused: d.refused}).Handler()
	mux.Handle("/access/v1/", api)
	mux.Handle("/.well-known/", api)
	mux.Handle("/intake/", d.intake.Handler())
	mux.HandleFunc("GET /bundle.tar.gz", d.loader.Serve)
	mux.Handle("/mcp", (&mcp.Server{Point: d.point, Who: d.who, Pending: d.pendingOf, Version: version}).Handler())
	d.peopleHandler(mux, url)
	if d.keeper == nil {
		return mux
	}
	return d.certified(mux)
}

// certified says to everything behind it who asks: peerOf. Nobody gets in whose certificate has ceased to count since the connection was made; they are to connect again.
func (d *daemon) certified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := d.keeper.Of(r, time.Now())
		if err != nil {
			d.refused("identity")
			w.Header().Set("Connection", "close") // in HTTP/2, too: the server sends GOAWAY
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, peer)))
	})
}

type peerKey struct{}

// peerOf a request that came by certified; of any other it is nobody, who may do nothing.
func peerOf(r *http.Request) identity.Peer {
	peer, _ := r.Context().Value(peerKey{}).(identity.Peer)
	return peer
}

// pendingOf a caller: what waits for people, or was approved and not used yet.
func (d *daemon) pendingOf(ctx context.Context, caller string) ([]escalation.Escalation, error) {
	return d.escalations.List(ctx, escalation.Filter{States: []escalation.State{escalation.Pending, escalation.Approved}, Caller: caller})
}

// healthy is for the kubelet.
func (d *daemon) healthy(string) http.Handler {
	mux := http.NewServeMux()
	alive := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }
	mux.HandleFunc("GET /livez", alive)
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := d.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// ready is who can execute something: with a bundle that holds, and a log that takes records.
func (d *daemon) ready() error {
	if _, err := d.loader.Current(); err != nil {
		return err
	}
	return d.records.Err()
}

// administered is for Prometheus and people with access to the pod. It changes nothing.
func (d *daemon) administered(string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.metrics.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		reply := map[string]any{"version": version, "bundle": d.loader.Status(), "log": d.records.Origin()}
		if err := d.ready(); err != nil {
			reply["unready"] = err.Error()
		}
		json.NewEncoder(w).Encode(reply) // whoever went away needs no answer
	})
	return mux
}
