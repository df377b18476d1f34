package approvals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"agentc/decision/escalation"
)

// Client of the API, as the command line has it. HTTP brings the certificate.
type Client struct {
	URL  string
	HTTP *http.Client
}

// List escalations, newest first.
func (c *Client) List(ctx context.Context, f escalation.Filter) (List, error) {
	q := url.Values{}
	for _, s := range f.States {
		q.Add("state", string(s))
	}
	for name, value := range map[string]string{"caller": f.Caller, "callee": f.Callee, "skill": f.Skill} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Limit > 0 {
		q.Set("limit", fmt.Sprint(f.Limit))
	}
	if !f.Before.IsZero() {
		q.Set("before", Stamp(f.Before))
	}
	var out List
	err := c.call(ctx, "GET", Escalations+"?"+q.Encode(), nil, &out)
	return out, err
}

// Show one escalation.
func (c *Client) Show(ctx context.Context, id string) (Detail, error) {
	var out Detail
	err := c.call(ctx, "GET", Escalations+"/"+url.PathEscape(id), nil, &out)
	return out, err
}

// Vote on an escalation. An approval names the digest of the action that was shown.
func (c *Client) Vote(ctx context.Context, id string, approve bool, digest, reason string) (escalation.Escalation, error) {
	var out escalation.Escalation
	body := map[string]any{"approve": approve, "reason": reason}
	if approve {
		body["digest"] = digest
	}
	err := c.call(ctx, "POST", Escalations+"/"+url.PathEscape(id)+"/votes", body, &out)
	return out, err
}

// Cancel what is pending or approved.
func (c *Client) Cancel(ctx context.Context, id, reason string) error {
	return c.call(ctx, "POST", Requests+"/"+url.PathEscape(id)+"/cancel", map[string]any{"comment": reason}, new(answer))
}

// Quarantine an agent; until zero: until somebody lifts it.
func (c *Client) Quarantine(ctx context.Context, agent, reason string, until time.Time) ([]escalation.Quarantine, error) {
	body := map[string]any{"agent": agent, "reason": reason}
	if !until.IsZero() {
		body["until"] = Stamp(until)
	}
	var out quarantines
	err := c.call(ctx, "POST", Quarantines, body, &out)
	return out.Quarantines, err
}

// Lift the quarantines of an agent.
func (c *Client) Lift(ctx context.Context, agent, reason string) ([]escalation.Quarantine, error) {
	var out quarantines
	err := c.call(ctx, "POST", Quarantines+"/"+url.PathEscape(agent)+"/lift", map[string]any{"reason": reason}, &out)
	return out.Quarantines, err
}

// Quarantines that are in force.
func (c *Client) Quarantines(ctx context.Context) ([]escalation.Quarantine, error) {
	var out quarantines
	err := c.call(ctx, "GET", Quarantines, nil, &out)
	return out.Quarantines, err
}

const maxAnswer = 64 << 20

func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, content)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json; profile="+Draft)
	}
	response, err := c.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return refusedBy(response.StatusCode, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer of %s cannot be understood: %w", c.URL, err)
	}
	return nil
}

func refusedBy(status int, text []byte) error {
	var p problem
	if json.Unmarshal(text, &p) != nil || p.Title == "" {
		return fmt.Errorf("the server answers with %d", status)
	}
	if p.Detail == "" {
		return errors.New(p.Title)
	}
	return fmt.Errorf("%s: %s", p.Title, p.Detail)
}
