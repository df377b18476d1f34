package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/mattermost"
	"agentc/decision/page"
)

// people's part of the daemon: who they are, what they see, how they are asked.

// watchEvery is how soon a page shows what another replica changed.
const watchEvery = time.Second

var errNoPolicy = errors.New("there is no bundle in force")

// fleet of the bundle in force, as long as it is; nil: none.
func (d *daemon) fleet() *fleet.Fleet {
	f, err := d.loader.Current()
	if err != nil {
		return nil
	}
	return f.Fleet
}

// policy of escalations in force; nil: none.
func (d *daemon) policy() *fleet.Escalation {
	if f := d.fleet(); f != nil {
		return &f.Escalation
	}
	return nil
}

// identity of whoever asks: a workload or a person, by the certificate; on one's own machine whom --dev-person names, or a header.
func (d *daemon) identity(r *http.Request) (approvals.Identity, error) {
	if d.keeper == nil {
		return approvals.Dev(func() *escalation.Person { return approvals.PersonNamed(d.fleet(), d.devPerson) })(r)
	}
	peer := peerOf(r)
	if peer.ID != "" {
		return approvals.Identity{SPIFFE: peer.ID}, nil
	}
	if p := approvals.PersonWith(d.fleet(), peer.Email); p != nil {
		return approvals.Identity{Person: p}, nil
	}
	return approvals.Identity{}, fmt.Errorf("the reviewers' policy does not know %s", peer.Email)
}

// peopleHandler is the API of escalations and the page.
func (d *daemon) peopleHandler(mux *http.ServeMux, url string) {
	watch := approvals.NewWatch(d.escalations.Version, watchEvery)
	api := (&approvals.Server{
		Service: d.escalations, Fleet: d.fleet, Who: d.identity, Watch: watch, Now: time.Now, Usable: d.point.Usable, URL: url, Log: d.log,
	}).Handler()
	for _, path := range []string{approvals.Requests, approvals.Escalations, approvals.Quarantines} {
		mux.Handle(path, api)
		mux.Handle(path+"/", api)
	}
	mux.Handle(approvals.Description, api)
	mux.Handle("/", (&page.Server{
		Service: d.escalations, Fleet: d.fleet, Who: d.identity, Watch: watch, Now: time.Now, Key: d.pageKey, Plain: d.keeper == nil, Log: d.log,
	}).Handler())
}

// notify people of escalations, where they are to be reached.
func (d *daemon) notify(ctx context.Context) {
	n := &mattermost.Notifier{
		Outbox: d.escalations, Client: d.chats.of, Callback: d.callbackURL, Now: time.Now, Log: d.log, Count: d.metrics.Notified,
		Page: func() string {
			if p := d.policy(); p != nil {
				return p.Page
			}
			return ""
		},
	}
	n.Run(ctx)
}

// chats are the Mattermost servers that routes lead to, each with one client for all bundles.
type chats struct {
	*daemon
	mu   sync.Mutex
	open map[string]*mattermost.Client // by its URL
}

// of an endpoint of the bundle in force; nil: it is no Mattermost.
func (c *chats) of(endpoint string) (*mattermost.Client, error) {
	f := c.fleet()
	if f == nil {
		return nil, errNoPolicy
	}
	e := f.Runtime.Endpoints[endpoint]
	if e == nil || e.Type != "mattermost" {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.open[e.URL()]
	if client == nil {
		client = mattermost.NewClient(mattermost.ClientOptions{
			HTTP: c.outside(time.Duration(e.TimeoutMs) * time.Millisecond), URL: e.URL(), TokenFile: filepath.Join(c.credentials, endpoint), Now: time.Now,
		})
		c.open[e.URL()] = client
	}
	return client, nil
}

// openChats says where clicks lead.
func (d *daemon) openChats(context.Context) error {
	d.chats = &chats{daemon: d, open: map[string]*mattermost.Client{}}
	if d.callback == "" || d.callbackHost == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(d.callback)
	if err != nil {
		return fmt.Errorf("--callback: %w", err)
	}
	scheme := "https"
	if d.keeper == nil {
		scheme = "http"
	}
	d.callbackURL = scheme + "://" + net.JoinHostPort(d.callbackHost, port) + mattermost.Path
	return nil
}

// clicked is where Mattermost's buttons lead.
func (d *daemon) clicked(string) http.Handler {
	return mattermost.NewCallbacks(mattermost.CallbackOptions{
		Votes: d.escalations, Client: d.chats.of, Callback: d.callbackURL, Now: time.Now, Log: d.log, Count: d.metrics.Clicked, People: d.policy,
	})
}
