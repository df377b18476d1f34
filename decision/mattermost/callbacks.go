package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/strict"
)

// Path of the callbacks.
const Path = "/mattermost/actions"

// Limits of the callbacks: a click has about 1 KiB, and people click slowly.
const (
	maxClick   = 64 << 10
	perSecond  = 20
	burst      = 40
	atOnce     = 16
	readPeriod = 5 * time.Second
	perClick   = 20 * time.Second // Mattermost waits for 30 s
)

// Votes is the store as clicks need it.
type Votes interface {
	Get(ctx context.Context, id string) (escalation.Escalation, error)
	Nonce(ctx context.Context, id string, approve bool) (string, error)
	Post(ctx context.Context, id string) (post string, ok bool, err error)
	VoteByNonce(ctx context.Context, nonce string, who func(escalation.Escalation) (escalation.Vote, error)) (escalation.Escalation, error)
}

// CallbackOptions of the callbacks.
type CallbackOptions struct {
	Votes    Votes
	Client   Servers
	People   func() *fleet.Escalation
	Callback string // URL of ours, for new buttons
	Now      func() time.Time
	Log      *slog.Logger
	Count    func(outcome string) // voted, malformed, limited, nonce, elsewhere, stranger, refused, failed
}

// Callbacks takes clicks. Whoever reaches it is nobody in particular: all that a click says is looked up again.
type Callbacks struct {
	CallbackOptions
	rate rate
	busy chan struct{}
}

// The outcomes of a click.
const (
	voted     = "voted"
	malformed = "malformed" // no click of Mattermost's looks like it
	limited   = "limited"   // too many
	nonced    = "nonce"     // unknown, or used
	elsewhere = "elsewhere" // not from the message that we posted, where we posted it
	stranger  = "stranger"  // nobody who decides about anything
	refused   = "refused"   // somebody known, who may not
	failed    = "failed"    // of the store or of Mattermost
)

// What is told. Strangers learn nothing, not even which of the checks they failed.
const (
	textNothing = "Nothing was done: this button was used up, or is not for you. The message shows how things stand."
	textFailed  = "Nothing was done: something does not answer. Try again, or use the page."
)

// NewCallbacks for the port that only Mattermost reaches.
func NewCallbacks(o CallbackOptions) *Callbacks {
	return &Callbacks{CallbackOptions: o, rate: rate{perSec: perSecond, burst: burst}, busy: make(chan struct{}, atOnce)}
}

// click of a button, of what Mattermost sends the part that we look at. Its user name is not among it: anybody could have written it.
type click struct{ nonce, user, post, channel string }

func (c *Callbacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.rate.allow(c.Now()) {
		c.refuse(w, r, http.StatusTooManyRequests, limited, "too many clicks")
		return
	}
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	default:
		c.refuse(w, r, http.StatusTooManyRequests, limited, "too many clicks at once")
		return
	}
	k, status, err := readClick(w, r)
	if err != nil {
		c.refuse(w, r, status, malformed, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), perClick)
	defer cancel()
	answer := c.vote(ctx, k)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) // whoever went away has voted all the same
}

// refuse what is no click.
func (c *Callbacks) refuse(w http.ResponseWriter, r *http.Request, status int, outcome, why string) {
	c.Count(outcome)
	level := slog.LevelWarn
	if outcome == limited {
		level = slog.LevelDebug // whoever floods us does not write the log; the metrics count
	}
	c.Log.Log(r.Context(), level, "no click", "outcome", outcome, "why", why, "from", r.RemoteAddr)
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(status), status)
}

var errClick = errors.New("it does not look like a click")

func readClick(w http.ResponseWriter, r *http.Request) (k click, status int, err error) {
	if r.URL.Path != Path {
		return k, http.StatusNotFound, errors.New("another path")
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return k, http.StatusMethodNotAllowed, errors.New("another method")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return k, http.StatusUnsupportedMediaType, errors.New("no plain JSON")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readPeriod)) // a recorder of tests has none
	value, err := strict.Read(http.MaxBytesReader(w, r.Body, maxClick))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return k, http.StatusRequestEntityTooLarge, errors.New("larger than a click")
	case err != nil:
		return k, http.StatusBadRequest, err
	}
	body, _ := value.(map[string]any)
	inner, _ := body["context"].(map[string]any)
	k.nonce, _ = inner["nonce"].(string)
	k.user, _ = body["user_id"].(string)
	k.post, _ = body["post_id"].(string)
	k.channel, _ = body["channel_id"].(string)
	if len(k.nonce) != 64 || !isID(k.user) || !isID(k.post) || !isID(k.channel) {
		return k, http.StatusBadRequest, errClick
	}
	return k, 0, nil
}

// doubt is why a click does not count.
type doubt struct{ outcome, why string }

func (d *doubt) Error() string { return d.why }

// vote as a click says. The store looks at its nonce first, and burns it only with a vote that counts.
func (c *Callbacks) vote(ctx context.Context, k click) Response {
	var asked escalation.Escalation
	var name string // of somebody whom the bundle knows
	_, err := c.Votes.VoteByNonce(ctx, k.nonce, func(e escalation.Escalation) (v escalation.Vote, err error) {
		asked = e
		if v, err = c.voter(ctx, k, e); err == nil {
			name = v.Person.Name
		}
		return v, err
	})
	log := c.Log.With("escalation", asked.ID, "trace_id", asked.TraceID, "user_id", k.user, "person", name)
	if err == nil {
		c.Count(voted)
		log.Info("a vote by Mattermost")
		return c.shown(ctx, asked.ID, "")
	}
	outcome, text := told(err, name != "")
	c.Count(outcome)
	log.Warn("a click did not count", "outcome", outcome, "why", err.Error())
	if outcome == refused {
		return c.shown(ctx, asked.ID, text) // it may be an old message that made them click
	}
	return Response{EphemeralText: text, SkipSlackParsing: true}
}

// told is what an error comes to, and what whoever clicked learns of it.
func told(err error, known bool) (outcome, text string) {
	var d *doubt
	var refusal *escalation.Refusal
	switch {
	case errors.As(err, &d):
		return d.outcome, textNothing
	case errors.As(err, &refusal) && known && refusal.Rule != "nonce":
		return refused, reason(refusal)
	case errors.As(err, &refusal):
		return nonced, textNothing
	}
	return failed, textFailed
}

// reason of a refusal, for somebody who is known.
func reason(r *escalation.Refusal) string {
	switch r.Rule {
	case "own":
		return "Nothing was done: your team owns the caller or the callee, and does not decide on its own actions."
	case "voted":
		return "Nothing was done: you have voted already."
	case "assurance":
		return "Nothing was done: an approval of this needs a certificate. Use the page or `agentd approvals`."
	case "not-approver":
		return "Nothing was done: you are in none of the groups that decide on this."
	case "expired":
		return "Nothing was done: its time is over."
	case "ended":
		return "Nothing was done: it is decided already."
	}
	return "Nothing was done."
}

// shown answers with the message as it is to be now, where that can be had; the notifier does it anyway.
func (c *Callbacks) shown(ctx context.Context, id, text string) Response {
	response := Response{EphemeralText: text, SkipSlackParsing: true}
	page := ""
	if people := c.People(); people != nil {
		page = people.Page
	}
	post, e, err := render(ctx, c.Votes, id, page, c.Callback)
	if err != nil {
		c.Log.Warn("the message of an escalation is not updated with the click", "escalation", id, "error", err)
		return response
	}
	channel, err := c.channel(ctx, e)
	if err == nil {
		post.Props.Channel = channel
		response.Update = &post
	}
	return response
}

func (c *Callbacks) channel(ctx context.Context, e escalation.Escalation) (string, error) {
	id, _, err := c.Votes.Post(ctx, e.ID)
	if err != nil {
		return "", err
	}
	client, err := c.Client(e.Endpoint)
	if err != nil || client == nil {
		return "", errors.Join(err, errors.New("the escalation was not asked in Mattermost"))
	}
	post, err := client.Post(ctx, id)
	return post.Props.Channel, err
}
