package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Post is a message, as far as we write and read it. In Mattermost a message that is no answer to another has the same type.
type Post struct {
	ID            string `json:"id,omitempty"`
	ChannelID     string `json:"channel_id,omitempty"`
	UserID        string `json:"user_id,omitempty"`     // who wrote it
	CreateAt      int64  `json:"create_at,omitempty"`   // milliseconds
	DeleteAt      int64  `json:"delete_at,omitempty"`   // 0: it is there
	OriginalID    string `json:"original_id,omitempty"` // of an earlier version: the message
	Message       string `json:"message"`
	Props         Props  `json:"props"`
	PendingPostID string `json:"pending_post_id,omitempty"` // whoever posts the same twice within 30 s is answered the first one
}

// Props of a message.
type Props struct {
	Approval    string       `json:"approval_id,omitempty"`      // the escalation that it shows
	Channel     string       `json:"approval_channel,omitempty"` // where we posted it
	Attachments []Attachment `json:"attachments,omitempty"`
}

// Attachment is a box below the message.
type Attachment struct {
	Fallback string   `json:"fallback"`
	Color    string   `json:"color"`
	Text     string   `json:"text"`
	Fields   []Field  `json:"fields"`
	Actions  []Action `json:"actions,omitempty"`
}

// Field of an attachment.
type Field struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// Action is a button.
type Action struct {
	ID          string       `json:"id,omitempty"`
	Type        string       `json:"type"`
	Name        string       `json:"name"`
	Style       string       `json:"style,omitempty"`
	Integration *Integration `json:"integration,omitempty"` // readers do not get it
}

// Integration is where a click goes, with what it brings along.
type Integration struct {
	URL     string            `json:"url"`
	Context map[string]string `json:"context"`
}

// User is somebody who has an account.
type User struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	DeleteAt int64  `json:"delete_at"` // 0: active
	IsBot    bool   `json:"is_bot"`
	Roles    string `json:"roles"`     // with spaces between them
	RemoteID string `json:"remote_id"` // of the server that they belong to, if it is another one
}

// Response to a click.
type Response struct {
	Update           *Post  `json:"update,omitempty"`
	EphemeralText    string `json:"ephemeral_text,omitempty"` // only whoever clicked sees it
	SkipSlackParsing bool   `json:"skip_slack_parsing"`       // it is Markdown as it stands
}

// isID says whether it looks like an id of Mattermost: nothing else comes into a path.
func isID(s string) bool {
	return len(s) == 26 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

func errID(what string) error { return fmt.Errorf("Mattermost's %s has no id", what) }

// Me is the bot itself. It is asked for once for each token.
func (c *Client) Me(ctx context.Context) (User, error) {
	token, err := c.token()
	if err != nil {
		return User{}, err
	}
	c.mu.Lock()
	bot, as := c.bot, c.as
	c.mu.Unlock()
	if as == token {
		return bot, nil
	}
	if err := c.callAs(ctx, token, http.MethodGet, "/users/me", nil, &bot, maxAnswer); err != nil {
		return User{}, err
	}
	if !isID(bot.ID) {
		return User{}, errID("bot")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bot, c.as = bot, token
	return bot, nil
}

// User by id.
func (c *Client) User(ctx context.Context, id string) (u User, err error) {
	if !isID(id) {
		return u, errID("user")
	}
	if err = c.call(ctx, http.MethodGet, "/users/"+id, nil, &u, maxAnswer); err == nil && u.ID != id {
		err = errID("user")
	}
	return u, err
}

// Post by id.
func (c *Client) Post(ctx context.Context, id string) (p Post, err error) {
	if !isID(id) {
		return p, errID("message")
	}
	if err = c.call(ctx, http.MethodGet, "/posts/"+id, nil, &p, maxAnswer); err == nil && p.ID != id {
		err = errID("message")
	}
	return p, err
}

// Create a message.
func (c *Client) Create(ctx context.Context, p Post) (created Post, err error) {
	if err = c.call(ctx, http.MethodPost, "/posts", p, &created, maxAnswer); err == nil && !isID(created.ID) {
		err = errID("message")
	}
	return created, err
}

// Patch replaces text and props of a message.
func (c *Client) Patch(ctx context.Context, id string, p Post) error {
	if !isID(id) {
		return errID("message")
	}
	var patched Post
	in := struct {
		Message string `json:"message"`
		Props   Props  `json:"props"`
	}{p.Message, p.Props}
	return c.call(ctx, http.MethodPut, "/posts/"+id+"/patch", in, &patched, maxAnswer)
}

// Channel with this name: its id. Where several of the bot's teams have one, nobody knows which is meant.
func (c *Client) Channel(ctx context.Context, name string) (string, error) {
	var teams []struct{ ID, Name string }
	if err := c.call(ctx, http.MethodGet, "/users/me/teams", nil, &teams, maxAnswer); err != nil {
		return "", err
	}
	found := ""
	for _, team := range teams {
		if !isID(team.ID) || c.team != "" && team.Name != c.team {
			continue
		}
		var channel struct{ ID string }
		err := c.call(ctx, http.MethodGet, "/teams/"+team.ID+"/channels/name/"+url.PathEscape(name), nil, &channel, maxAnswer)
		switch {
		case gone(err):
			continue
		case err != nil:
			return "", err
		case !isID(channel.ID):
			return "", errID("channel")
		case found != "":
			return "", fmt.Errorf("several teams of the bot have a channel %s: say which team is meant", name)
		}
		found = channel.ID
	}
	if found == "" {
		return "", fmt.Errorf("the bot sees no channel %s in its teams", name)
	}
	return found, nil
}

// Limits of a search.
const (
	maxSince = 1000 // messages that the server answers at most; which ones is its choice
	pageSize = 200
	maxPages = 25
)

type postList struct {
	Order []string        `json:"order"`
	Posts map[string]Post `json:"posts"`
}

// Find the message of ours that shows an escalation, among those of a channel since a moment. Of several it is the oldest.
func (c *Client) Find(ctx context.Context, channel, escalation string, since time.Time) (id string, err error) {
	bot, err := c.Me(ctx)
	if err != nil {
		return "", err
	}
	path := "/channels/" + channel + "/posts"
	var list postList
	if err := c.call(ctx, http.MethodGet, fmt.Sprintf("%s?since=%d", path, since.UnixMilli()), nil, &list, maxList); err != nil {
		return "", err
	}
	if len(list.Order) < maxSince {
		return list.find(bot.ID, escalation), nil
	}
	before := ""
	for range maxPages {
		list = postList{}
		if err := c.call(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=%d%s", path, pageSize, before), nil, &list, maxList); err != nil {
			return "", err
		}
		if id := list.find(bot.ID, escalation); id != "" {
			return id, nil
		}
		if len(list.Order) < pageSize {
			return "", nil
		}
		last := list.Posts[list.Order[len(list.Order)-1]]
		if !isID(last.ID) || last.CreateAt < since.UnixMilli() {
			return "", nil
		}
		before = "&before=" + last.ID
	}
	return "", nil // whoever writes so much finds the question twice: only one of them has buttons that work
}

func (l postList) find(bot, escalation string) string {
	var found Post
	for _, p := range l.Posts {
		if p.UserID != bot || p.Props.Approval != escalation || p.DeleteAt != 0 || p.OriginalID != "" || !isID(p.ID) {
			continue
		}
		if found.ID == "" || p.CreateAt < found.CreateAt || p.CreateAt == found.CreateAt && p.ID < found.ID {
			found = p
		}
	}
	return found.ID
}
