package mattermost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"agentc/decision/escalation"
)

// Outbox hands out what people must hear of, until it is acknowledged: of one escalation one notice at a time, in order.
type Outbox interface {
	Notices(ctx context.Context, limit int) ([]escalation.Notice, error)
	Acknowledge(ctx context.Context, n escalation.Notice) error
	Postpone(ctx context.Context, n escalation.Notice, wait time.Duration) error
	Post(ctx context.Context, id string) (post string, ok bool, err error)
	SetPost(ctx context.Context, id, post string) error
	Nonce(ctx context.Context, id string, approve bool) (string, error)
	Get(ctx context.Context, id string) (escalation.Escalation, error)
}

// Times of the notifier.
const (
	workers    = 4                // so that one that waits for a slow server holds nobody else up
	perNotice  = 30 * time.Second // less than the lease of a notice, or two replicas would have it
	maxBackoff = time.Minute      // a question lives for minutes
	giveUp     = 24 * time.Hour   // after an escalation has ended nobody must hear of it any more
	skew       = time.Minute      // of the clocks
)

// Notifier posts escalations and keeps the messages up to date.
type Notifier struct {
	Outbox   Outbox
	Client   Servers
	Page     func() string // URL of agentd's page; empty: there is none
	Callback string        // URL that Mattermost reaches the Callbacks under, with their path; empty: no click reaches us, and messages have no buttons
	Now      func() time.Time
	Log      *slog.Logger
	Count    func(outcome string) // posted, found, updated, spare, deleted, nowhere, gave-up, failed
	Poll     time.Duration        // how often it looks: 1 s
}

// Run until the context ends. Nothing that Mattermost does stops it.
func (n *Notifier) Run(ctx context.Context) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { n.work(ctx) })
	}
	all.Wait()
}

func (n *Notifier) work(ctx context.Context) {
	poll := n.Poll
	if poll <= 0 {
		poll = time.Second
	}
	for ctx.Err() == nil {
		worked, err := n.Next(ctx)
		if err != nil && ctx.Err() == nil {
			n.Log.Error("no notices of escalations", "error", err)
		}
		if worked {
			continue
		}
		timer := time.NewTimer(poll)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// Next takes one notice and does what it asks for, or has it come again. It says whether there was one.
func (n *Notifier) Next(ctx context.Context) (worked bool, err error) {
	list, err := n.Outbox.Notices(ctx, 1)
	if err != nil {
		return false, err
	}
	for _, notice := range list {
		if err := n.handle(ctx, notice); err != nil {
			return false, err
		}
	}
	return len(list) > 0, nil
}

// handle one notice. The error is the store's; the notice comes again when its lease is over.
func (n *Notifier) handle(ctx context.Context, notice escalation.Notice) error {
	e := notice.Escalation
	log := n.Log.With("escalation", e.ID, "kind", notice.Kind, "trace_id", e.TraceID)
	inner, cancel := context.WithTimeout(ctx, perNotice)
	outcome, err := n.show(inner, e)
	cancel()
	if err == nil {
		n.Count(outcome)
		return lost(log, n.Outbox.Acknowledge(ctx, notice))
	}
	if !e.Ended.IsZero() && n.Now().Sub(e.Ended) > giveUp {
		n.Count("gave-up")
		log.Error("nobody heard of it in Mattermost", "error", err)
		return lost(log, n.Outbox.Acknowledge(ctx, notice))
	}
	wait := backoff(notice.Attempts, err)
	n.Count("failed")
	log.Warn("it is not in Mattermost yet", "error", err, "again", wait.String())
	return lost(log, n.Outbox.Postpone(ctx, notice, wait))
}

// lost lets it pass that another replica has the notice by now: it will do the same.
func lost(log *slog.Logger, err error) error {
	var refusal *escalation.Refusal
	if errors.As(err, &refusal) {
		log.Warn("another replica has the notice", "reason", refusal.Reason)
		return nil
	}
	return err
}

// backoff before a notice comes again: longer each time, and never sooner than the server wants.
func backoff(attempts int, err error) time.Duration {
	wait := min(time.Second<<min(max(attempts, 1)-1, 10), maxBackoff)
	var status *StatusError
	if errors.As(err, &status) {
		wait = max(wait, status.Wait)
	}
	return wait
}

// show an escalation as it is now.
func (n *Notifier) show(ctx context.Context, e escalation.Escalation) (outcome string, err error) {
	client, err := n.Client(e.Endpoint)
	if err != nil {
		return "", err
	}
	if client == nil {
		n.Log.Error("a route leads to no Mattermost that is known", "escalation", e.ID, "route", e.Route, "endpoint", e.Endpoint)
		return "nowhere", nil
	}
	if _, err := client.Held(); err != nil {
		return "", err // before any nonce is made
	}
	id, ok, err := n.Outbox.Post(ctx, e.ID)
	if err != nil {
		return "", err
	}
	if ok {
		return n.update(ctx, client, e.ID, id)
	}
	return n.first(ctx, client, e)
}

// first posts an escalation, unless that was done before a crash.
func (n *Notifier) first(ctx context.Context, client *Client, e escalation.Escalation) (outcome string, err error) {
	channel, err := client.Channel(ctx, e.Channel)
	if err != nil {
		return "", err
	}
	id, err := client.Find(ctx, channel, e.ID, e.Created.Add(-skew))
	if err != nil {
		return "", err
	}
	if id == "" {
		return n.create(ctx, client, channel, e.ID)
	}
	if err := n.Outbox.SetPost(ctx, e.ID, id); err != nil {
		return "", err
	}
	if _, err := n.update(ctx, client, e.ID, id); err != nil {
		return "", err
	}
	return "found", nil
}

func (n *Notifier) create(ctx context.Context, client *Client, channel, escalationID string) (outcome string, err error) {
	post, _, err := n.render(ctx, escalationID)
	if err != nil {
		return "", err
	}
	post.ChannelID, post.Props.Channel = channel, channel
	post.PendingPostID = "agentd:" + escalationID
	created, err := client.Create(ctx, post)
	if err != nil {
		return "", err
	}
	err = n.Outbox.SetPost(ctx, escalationID, created.ID)
	var refusal *escalation.Refusal
	if errors.As(err, &refusal) && refusal.Rule == "posted" { // another replica was first: ours has buttons that do nothing
		spare := Post{Message: "This question is shown in another message.", Props: Props{Channel: channel}}
		return "spare", client.Patch(ctx, created.ID, spare)
	}
	return "posted", err
}

// update a message to what the escalation is now. If a vote comes in between, its own notice does it again.
func (n *Notifier) update(ctx context.Context, client *Client, escalationID, id string) (outcome string, err error) {
	old, err := client.Post(ctx, id)
	if gone(err) || err == nil && old.DeleteAt != 0 {
		n.Log.Warn("somebody deleted the message of an escalation", "escalation", escalationID, "post", id)
		return "deleted", nil
	}
	if err != nil {
		return "", err
	}
	post, _, err := n.render(ctx, escalationID)
	if err != nil {
		return "", err
	}
	post.Props.Channel = old.Props.Channel
	return "updated", client.Patch(ctx, id, post)
}

func (n *Notifier) render(ctx context.Context, id string) (Post, escalation.Escalation, error) {
	return render(ctx, n.Outbox, id, n.Page(), n.Callback)
}

// nonces is what a message is made of.
type nonces interface {
	Get(ctx context.Context, id string) (escalation.Escalation, error)
	Nonce(ctx context.Context, id string, approve bool) (string, error)
}

// render an escalation as it is now, with buttons that were never there before.
func render(ctx context.Context, store nonces, id, page, callback string) (post Post, e escalation.Escalation, err error) {
	if e, err = store.Get(ctx, id); err != nil {
		return post, e, err
	}
	s := see(e, page, callback != "")
	b := buttons{callback: callback}
	if e.State == escalation.Pending && callback != "" {
		if b.reject, err = store.Nonce(ctx, id, false); err != nil {
			return post, e, fmt.Errorf("a button: %w", err)
		}
		if s.approvable() {
			if b.approve, err = store.Nonce(ctx, id, true); err != nil {
				return post, e, fmt.Errorf("a button: %w", err)
			}
		}
	}
	return s.post(b), e, nil
}
