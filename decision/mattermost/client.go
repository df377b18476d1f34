// Package mattermost asks people in Mattermost: the Notifier posts one message with buttons for each escalation and keeps it up to date, the Callbacks take
// the clicks. A click proves that Mattermost says who clicked, and no more: it counts as chat, and where more is needed the message leads to the page.
//
// What agents wrote is shown as code, so that it is no Markdown, mentions nobody and leads nowhere. Nobody approves here what the message does not show whole.
package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of an exchange with the server.
const (
	maxAnswer  = 1 << 20
	maxList    = 32 << 20 // up to 1,000 messages of other people
	maxToken   = 1 << 10
	maxHold    = 5 * time.Minute // that the server may ask for
	holdAfter  = 5 * time.Second // a failure
	callPeriod = 10 * time.Second
)

// Client of one Mattermost server, as a bot. Any number may use it at the same time.
type Client struct {
	http      *http.Client
	base      string
	tokenFile string
	team      string
	now       func() time.Time

	mu    sync.Mutex
	until time.Time // nothing is asked before: the server said so, or is away
	why   error     // that is answered meanwhile
	bot   User      // who we are
	as    string    // by this token
}

// Servers finds the client of the endpoint that a route names. Nil: it is no Mattermost. An error: nobody knows just now.
type Servers func(endpoint string) (*Client, error)

// ClientOptions of a client.
type ClientOptions struct {
	HTTP      *http.Client     // its transport knows the server's certificate; 10 s where it has no time-out
	URL       string           // https://chat.example, without /api/v4
	TokenFile string           // the bot's token; read for each call, because it is rotated
	Team      string           // name of the team that the channels are in; empty: the only one of the bot's teams that has such a channel
	Now       func() time.Time // time.Now
}

// NewClient asks the server nothing yet.
func NewClient(o ClientOptions) *Client {
	c := &Client{base: strings.TrimSuffix(o.URL, "/"), tokenFile: o.TokenFile, team: o.Team, now: o.Now}
	inner := http.Client{}
	if o.HTTP != nil {
		inner = *o.HTTP
	}
	if inner.Timeout <= 0 {
		inner.Timeout = callPeriod
	}
	inner.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for one server
	c.http = &inner
	if c.now == nil {
		c.now = time.Now
	}
	return c
}

// StatusError is what the server answers instead of doing it.
type StatusError struct {
	Status int
	ID     string        // of the error, in the server's words
	Wait   time.Duration // before it may be asked again
}

func (e *StatusError) Error() string {
	if e.ID == "" {
		return fmt.Sprintf("Mattermost answers %d", e.Status)
	}
	return fmt.Sprintf("Mattermost answers %d: %s", e.Status, e.ID)
}

// gone says that what was asked for is not there.
func gone(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusNotFound
}

// Held says how long the server is not asked, and why.
func (c *Client) Held() (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.until.Sub(c.now())
	if wait <= 0 {
		return 0, nil
	}
	return wait, c.why
}

func (c *Client) hold(wait time.Duration, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := c.now().Add(min(wait, maxHold)); until.After(c.until) {
		c.until, c.why = until, why
	}
}

func (c *Client) token() (string, error) {
	f, err := os.Open(c.tokenFile)
	if err != nil {
		return "", fmt.Errorf("the bot's token: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("the bot's token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" || len(data) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s has no token in it", c.tokenFile)
	}
	return token, nil
}

// call sends in, where there is one, and reads the answer into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any, limit int64) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	return c.callAs(ctx, token, method, path, in, out, limit)
}

func (c *Client) callAs(ctx context.Context, token, method, path string, in, out any, limit int64) error {
	if _, err := c.Held(); err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v4"+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		err = fmt.Errorf("Mattermost is away: %w", err)
		if !errors.Is(err, context.Canceled) { // whoever gave up says nothing about the server
			c.hold(holdAfter, err)
		}
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
		return c.status(response)
	}
	return decode(response.Body, out, limit)
}

func decode(r io.Reader, out any, limit int64) error {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return fmt.Errorf("Mattermost's answer ends too early: %w", err)
	}
	if int64(len(data)) > limit {
		return fmt.Errorf("Mattermost's answer is larger than %d KiB", limit>>10)
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("Mattermost's answer: %w", err)
	}
	return nil
}

// status of a refusal. Who asks too often, or a server in trouble, is left alone for a while.
func (c *Client) status(response *http.Response) error {
	err := &StatusError{Status: response.StatusCode}
	var said struct {
		ID string `json:"id"`
	}
	if decode(response.Body, &said, maxAnswer) == nil && word(said.ID) {
		err.ID = said.ID
	}
	switch {
	case response.StatusCode == http.StatusTooManyRequests:
		err.Wait = time.Second
		for _, name := range []string{"Retry-After", "X-RateLimit-Reset"} { // both in seconds
			if n, e := strconv.Atoi(response.Header.Get(name)); e == nil && n > 0 {
				err.Wait = min(time.Duration(min(n, 3600))*time.Second, maxHold)
				break
			}
		}
	case response.StatusCode >= 500 && err.ID != stillPosting:
		err.Wait = holdAfter
	}
	if err.Wait > 0 {
		c.hold(err.Wait, err)
	}
	return err
}

// stillPosting is answered to whoever posts the same again while the first one is being stored.
const stillPosting = "api.post.deduplicate_create_post.pending"

// word is text of the server that may stand in a log.
func word(s string) bool {
	return len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}
