// Package fake is as much of a Mattermost server as the tests of agentd need: the REST API for bots, and buttons that call their integration. It was written
// from the public API reference and the official Go types, which it uses, and is stricter than the server: a field that those types do not have is refused.
// Only tests import it.
package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// Limits and times of the server.
const (
	pendingPeriod = 30 * time.Second
	maxSince      = 1000
	maxPage       = 200
	maxBody       = 1 << 20
)

// Trouble of the server.
type Trouble int

// The troubles.
const (
	None   Trouble = iota
	Away           // connections break
	Slow           // nothing is answered until whoever asks gives up
	Busy           // 429, again in 7 s
	Broken         // 500
	Lost           // it is done, but the answer does not arrive
)

// Server of one team. It is an http.Handler.
type Server struct {
	now  func() time.Time
	http *http.Client // that clicks go out by
	mux  *http.ServeMux

	mu       sync.Mutex
	team     *model.Team
	users    map[string]*model.User
	tokens   map[string]string // user by token
	channels map[string]*model.Channel
	members  map[string]map[string]bool // users of a channel
	posts    []*model.Post              // in order, earlier versions among them
	pending  map[string]seen
	trouble  func(*http.Request) Trouble
	requests map[string]int // by method and pattern
	trigger  int
}

type seen struct {
	post string
	at   time.Time
}

// New server, with a team.
func New(now func() time.Time) *Server {
	s := &Server{
		now: now, http: &http.Client{Timeout: 30 * time.Second}, mux: http.NewServeMux(),
		team:  &model.Team{Id: model.NewId(), Name: "bank", Type: model.TeamOpen},
		users: map[string]*model.User{}, tokens: map[string]string{}, channels: map[string]*model.Channel{}, members: map[string]map[string]bool{},
		pending: map[string]seen{}, trouble: func(*http.Request) Trouble { return None }, requests: map[string]int{},
	}
	s.handle("GET /api/v4/users/{user}", s.getUser)
	s.handle("GET /api/v4/users/{user}/teams", s.getTeams)
	s.handle("GET /api/v4/teams/{team}/channels/name/{name}", s.getChannel)
	s.handle("POST /api/v4/posts", s.createPost)
	s.handle("GET /api/v4/posts/{post}", s.getPost)
	s.handle("PUT /api/v4/posts/{post}/patch", s.patchPost)
	s.handle("GET /api/v4/channels/{channel}/posts", s.getPosts)
	return s
}

// Through is how clicks go out: with the authorities that the server believes. It is called before anybody clicks.
func (s *Server) Through(c *http.Client) { s.http = c }

// SetTrouble decides for each request.
func (s *Server) SetTrouble(f func(*http.Request) Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = f
}

// Always the same trouble.
func Always(t Trouble) func(*http.Request) Trouble { return func(*http.Request) Trouble { return t } }

// Requests counts those of a method and path, such as POST /api/v4/posts.
func (s *Server) Requests(pattern string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[pattern]
}

// User adds somebody with an account.
func (s *Server) User(name string) *model.User {
	return s.add(&model.User{Id: model.NewId(), Username: name, Roles: model.SystemUserRoleId})
}

// Bot adds one, with its token.
func (s *Server) Bot(name string) (bot *model.User, token string) {
	bot = s.add(&model.User{Id: model.NewId(), Username: name, Roles: model.SystemUserRoleId, IsBot: true})
	return bot, s.Token(bot.Id)
}

// Token gives an account a new token, and takes the old ones away.
func (s *Server) Token(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, of := range s.tokens {
		if of == user {
			delete(s.tokens, token)
		}
	}
	token := model.NewId()
	s.tokens[token] = user
	return token
}

func (s *Server) add(u *model.User) *model.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Id] = u
	return u
}

// Change an account, as an administrator would.
func (s *Server) Change(user string, f func(*model.User)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.users[user])
}

// Channel with these members.
func (s *Server) Channel(name string, members ...string) *model.Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &model.Channel{Id: model.NewId(), TeamId: s.team.Id, Name: name, Type: model.ChannelTypePrivate}
	s.channels[c.Id], s.members[c.Id] = c, map[string]bool{}
	for _, m := range members {
		s.members[c.Id][m] = true
	}
	return c
}

// Posts of a channel that are there, oldest first, as they are stored: with the integrations of their buttons.
func (s *Server) Posts(channel string) []*model.Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []*model.Post{}
	for _, p := range s.posts {
		if p.ChannelId == channel && p.DeleteAt == 0 {
			list = append(list, clone(p))
		}
	}
	return list
}

// Edit a message, as an administrator would.
func (s *Server) Edit(post string, f func(*model.Post)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.find(post); p != nil {
		f(p)
	}
}

// Write a message as somebody.
func (s *Server) Write(p *model.Post) *model.Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(p)
}

// store a message; s.mu is held.
func (s *Server) store(p *model.Post) *model.Post {
	p.Id, p.CreateAt = model.NewId(), s.now().UnixMilli()
	p.UpdateAt, p.EditAt, p.DeleteAt = p.CreateAt, 0, 0
	p.GenerateActionIds()
	s.posts = append(s.posts, p)
	return clone(p)
}

func (s *Server) find(id string) *model.Post {
	for _, p := range s.posts {
		if p.Id == id && p.OriginalId == "" {
			return p
		}
	}
	return nil
}

// clone through JSON, as the server's store does.
func clone(p *model.Post) *model.Post {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	var c model.Post
	if err := json.Unmarshal(data, &c); err != nil {
		panic(err)
	}
	c.AddProp(model.PostPropsAttachments, c.Attachments())
	if len(c.Attachments()) == 0 {
		c.DelProp(model.PostPropsAttachments)
	}
	return &c
}

// public is a message as readers get it: without what its buttons send.
func public(p *model.Post) *model.Post {
	c := clone(p)
	c.StripActionIntegrations()
	return c
}

type handler func(w http.ResponseWriter, r *http.Request, user string) (answer any, status int, id string)

// handle a request for who has a token.
func (s *Server) handle(pattern string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests[pattern]++
		trouble := s.trouble(r)
		user, known := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		s.mu.Unlock()
		if troubled(w, r, trouble) {
			return
		}
		if !known {
			reply(w, model.AppError{Id: "api.context.session_expired.app_error", StatusCode: 401}, 401)
			return
		}
		answer, status, id := h(w, r, user)
		if trouble == Lost {
			panic(http.ErrAbortHandler)
		}
		if status >= 400 {
			reply(w, model.AppError{Id: id, Message: "no", StatusCode: status}, status)
			return
		}
		reply(w, answer, status)
	})
}

func troubled(w http.ResponseWriter, r *http.Request, t Trouble) bool {
	switch t {
	case Away:
		panic(http.ErrAbortHandler)
	case Slow:
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that somebody gave up
		<-r.Context().Done()
	case Busy:
		w.Header().Set("X-RateLimit-Reset", "7")
		w.Header().Set("Retry-After", "7")
		http.Error(w, "limit exceeded", http.StatusTooManyRequests)
	case Broken:
		reply(w, model.AppError{Id: "api.broken.app_error", StatusCode: 500}, 500)
	default:
		return false
	}
	return true
}

func reply(w http.ResponseWriter, answer any, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) getUser(_ http.ResponseWriter, r *http.Request, user string) (any, int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("user")
	if id == "me" {
		id = user
	}
	u := s.users[id]
	if u == nil {
		return nil, 404, "app.user.missing_account.const"
	}
	c := *u
	return c, 200, ""
}

func (s *Server) getTeams(http.ResponseWriter, *http.Request, string) (any, int, string) {
	return []*model.Team{s.team}, 200, ""
}

func (s *Server) getChannel(_ http.ResponseWriter, r *http.Request, user string) (any, int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if c.TeamId == r.PathValue("team") && c.Name == r.PathValue("name") && s.members[c.Id][user] {
			return c, 200, ""
		}
	}
	return nil, 404, "app.channel.get_by_name.missing.app_error"
}

// read a body into one of the official types, all of whose fields are known.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// check a message's text and boxes as the official types do.
func check(p *model.Post) error {
	raw, err := json.Marshal(p.GetProp(model.PostPropsAttachments))
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var boxes []*model.SlackAttachment
	if err := d.Decode(&boxes); err != nil {
		return err
	}
	for _, box := range boxes {
		if err := box.IsValid(); err != nil {
			return err
		}
	}
	if len([]rune(p.Message)) > model.PostMessageMaxRunesV1 {
		return errors.New("too long for a server of any version")
	}
	if len(raw) > model.PostPropsMaxUserRunes {
		return errors.New("too much in props")
	}
	return nil
}

func (s *Server) createPost(_ http.ResponseWriter, r *http.Request, user string) (any, int, string) {
	p := &model.Post{}
	if err := read(r, p); err != nil || p.Id != "" || check(p) != nil {
		return nil, 400, "api.context.invalid_body_param.app_error"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.members[p.ChannelId][user] {
		return nil, 403, "api.context.permissions.app_error"
	}
	if before, there := s.pending[p.PendingPostId]; there && p.PendingPostId != "" && s.now().Sub(before.at) < pendingPeriod {
		return public(s.find(before.post)), 201, ""
	}
	key := p.PendingPostId
	p.UserId, p.PendingPostId = user, ""
	if s.users[user].IsBot {
		p.AddProp(model.PostPropsFromBot, "true")
	}
	stored := s.store(p)
	if key != "" {
		s.pending[key] = seen{stored.Id, s.now()}
	}
	answer := public(stored)
	answer.PendingPostId = key
	return answer, 201, ""
}

// visible message for a user; s.mu is held.
func (s *Server) visible(id, user string) *model.Post {
	p := s.find(id)
	if p == nil || p.DeleteAt != 0 || !s.members[p.ChannelId][user] {
		return nil
	}
	return p
}

func (s *Server) getPost(_ http.ResponseWriter, r *http.Request, user string) (any, int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.visible(r.PathValue("post"), user)
	if p == nil {
		return nil, 404, "app.post.get.app_error"
	}
	return public(p), 200, ""
}

func (s *Server) patchPost(_ http.ResponseWriter, r *http.Request, user string) (any, int, string) {
	patch := &model.PostPatch{}
	if err := read(r, patch); err != nil {
		return nil, 400, "api.context.invalid_body_param.app_error"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.visible(r.PathValue("post"), user)
	switch {
	case p == nil:
		return nil, 404, "app.post.get.app_error"
	case p.UserId != user:
		return nil, 403, "api.context.permissions.app_error"
	}
	next := clone(p)
	next.Patch(patch)
	if check(next) != nil {
		return nil, 400, "model.post.is_valid.props.app_error"
	}
	s.replace(p, next)
	return public(p), 200, ""
}

// replace a message, and keep what it was as an earlier version; s.mu is held.
func (s *Server) replace(p, next *model.Post) {
	now := s.now().UnixMilli()
	old := clone(p)
	old.OriginalId, old.Id, old.DeleteAt, old.UpdateAt = p.Id, model.NewId(), now, now
	s.posts = append(s.posts, old)
	p.Message = next.Message
	p.SetProps(next.GetProps())
	p.GenerateActionIds()
	p.UpdateAt, p.EditAt = now, now
}

func (s *Server) getPosts(_ http.ResponseWriter, r *http.Request, user string) (any, int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	channel := r.PathValue("channel")
	if !s.members[channel][user] {
		return nil, 403, "api.context.permissions.app_error"
	}
	q := r.URL.Query()
	list := model.NewPostList()
	add := func(p *model.Post) {
		list.AddPost(public(p))
		list.AddOrder(p.Id)
	}
	if since, err := strconv.ParseInt(q.Get("since"), 10, 64); err == nil && since > 0 {
		for _, p := range s.posts { // deleted ones and earlier versions too
			if p.ChannelId == channel && p.UpdateAt > since && len(list.Order) < maxSince {
				add(p)
			}
		}
		slices.Reverse(list.Order)
		return list, 200, ""
	}
	perPage, _ := strconv.Atoi(q.Get("per_page"))
	if perPage <= 0 {
		perPage = 60
	}
	before := s.find(q.Get("before"))
	for _, p := range slices.Backward(s.posts) {
		if p.ChannelId == channel && p.DeleteAt == 0 && (before == nil || p.CreateAt < before.CreateAt) && len(list.Order) < min(perPage, maxPage) {
			add(p)
		}
	}
	return list, 200, ""
}

// Click a button by its name, as a user does. What is answered is what only they see.
func (s *Server) Click(ctx context.Context, user, post, button string) (ephemeral string, err error) {
	request, url, err := s.clicked(user, post, button)
	if err != nil {
		return "", err
	}
	response, err := s.Send(ctx, url, request)
	if err != nil {
		return "", err
	}
	if response.Update != nil {
		if err := check(response.Update); err != nil {
			return "", err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		p := s.find(post)
		if response.Update.GetProps() == nil {
			response.Update.SetProps(p.GetProps())
		} else if bot := p.GetProp(model.PostPropsFromBot); bot != nil {
			response.Update.AddProp(model.PostPropsFromBot, bot)
		}
		s.replace(p, response.Update)
	}
	return response.EphemeralText, nil
}

// Clicked is what the server sends when somebody clicks, and where to.
func (s *Server) Clicked(user, post, button string) (*model.PostActionIntegrationRequest, string, error) {
	return s.clicked(user, post, button)
}

func (s *Server) clicked(user, post, button string) (*model.PostActionIntegrationRequest, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.visible(post, user)
	if p == nil {
		return nil, "", errors.New("they do not see the message")
	}
	for _, box := range p.Attachments() {
		for _, a := range box.Actions {
			if a.Name != button || a.Integration == nil {
				continue
			}
			s.trigger++
			return &model.PostActionIntegrationRequest{
				UserId: user, UserName: s.users[user].Username, ChannelId: p.ChannelId, ChannelName: s.channels[p.ChannelId].Name,
				TeamId: s.team.Id, TeamName: s.team.Name, PostId: post, TriggerId: fmt.Sprint("trigger", s.trigger), Type: a.Type, Context: a.Integration.Context,
			}, a.Integration.URL, nil
		}
	}
	return nil, "", fmt.Errorf("the message has no button %s", button)
}

// Send a click.
func (s *Server) Send(ctx context.Context, url string, request *model.PostActionIntegrationRequest) (*model.PostActionIntegrationResponse, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	answer, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the integration answers %d", answer.StatusCode)
	}
	var response model.PostActionIntegrationResponse
	d := json.NewDecoder(io.LimitReader(answer.Body, maxBody))
	d.DisallowUnknownFields()
	return &response, d.Decode(&response)
}
