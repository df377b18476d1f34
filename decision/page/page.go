// Package page is where people decide: what waits for them, with everything that the decision needs, and what became of what was asked before. It is
// rendered here and works without a script; the one that there is brings news without a reload.
//
// What agents say is a stranger's text: it may try to look like something else, or to be read as the page's own. html/template keeps it from being markup,
// approvals.Pieces from hiding itself, and the content security policy keeps whatever came through anyway from running or reaching out.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// Server of the page.
type Server struct {
	Service *escalation.Service
	Fleet   func() *fleet.Fleet // that is in force; nil: none
	Who     func(*http.Request) (approvals.Identity, error)
	Watch   *approvals.Watch
	Now     func() time.Time
	Key     []byte // that tokens are made with: the same on every replica, 32 bytes by chance
	Plain   bool   // without TLS, as with --dev: cookies cannot be kept to it
	Log     *slog.Logger
}

//go:embed *.html page.css page.js
var files embed.FS

// asset is the style or the script. Its address changes with its content.
type asset struct {
	Path, kind string
	content    []byte
}

func newAsset(name, kind string) asset {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(content)
	return asset{"/static/" + hex.EncodeToString(sum[:6]) + "/" + name, kind, content}
}

var style, script = newAsset("page.css", "text/css; charset=utf-8"), newAsset("page.js", "text/javascript; charset=utf-8")

// Paths that others link to.
const (
	Pending = "/escalations" // one of them: /escalations/<id>
	history = "/history"
	agents  = "/quarantines"
	events  = "/events"
)

// Handler of the page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(Pending, http.StatusFound))
	for path, show := range map[string]func(*visit) error{
		Pending: (*visit).pending, Pending + "/{id}": (*visit).one, history: (*visit).history, agents: (*visit).quarantines, events: (*visit).events,
	} {
		mux.Handle("GET "+path, s.visited(show))
	}
	for path, act := range map[string]func(*visit) error{
		Pending + "/{id}/approve": (*visit).approve, Pending + "/{id}/reject": (*visit).reject, Pending + "/{id}/cancel": (*visit).cancel,
		Pending + "/reject": (*visit).rejectSome, agents: (*visit).quarantine, agents + "/lift": (*visit).lift,
	} {
		mux.Handle("POST "+path, s.visited(func(v *visit) error {
			if err := v.genuine(); err != nil {
				return err
			}
			return act(v)
		}))
	}
	for _, a := range []asset{style, script} {
		mux.HandleFunc("GET "+a.Path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", a.kind)
			w.Header().Set("Cache-Control", "public, max-age=86400, immutable")
			w.Write(a.content)
		})
	}
	return guarded(mux)
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guarded says to the browser what the page may do: nothing but what it does.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// visit is one request of a person.
type visit struct {
	*Server
	ctx    context.Context
	w      http.ResponseWriter
	r      *http.Request
	person escalation.Person
	nonce  string
	now    time.Time
}

// trouble is a page that says what is not done.
type trouble struct {
	status int
	title  string
	why    string
}

func (t *trouble) Error() string { return t.title + ": " + t.why }

// visited finds out who comes. The page is for people.
func (s *Server) visited(show func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Server: s, ctx: r.Context(), w: w, r: r, now: s.Now()}
		who, err := s.Who(r)
		switch {
		case err != nil:
			v.fail(&trouble{http.StatusUnauthorized, "It is not known who you are", err.Error()})
		case who.Person == nil:
			v.fail(&trouble{http.StatusForbidden, "This page is for people", "Programs use the API below /access/v1."})
		default:
			v.person = *who.Person
			v.nonce = v.visitor()
			if err := show(v); err != nil {
				v.fail(err)
			}
		}
	})
}

// fail shows why something was not done.
func (v *visit) fail(err error) {
	var t *trouble
	var refusal *escalation.Refusal
	switch {
	case errors.As(err, &t):
	case errors.As(err, &refusal):
		t = &trouble{http.StatusConflict, "Nothing was changed", sentence(refusal.Reason)}
		if refusal.Rule == "unknown" {
			t.status, t.title = http.StatusNotFound, "There is no such thing"
		}
	default:
		if !errors.Is(err, context.Canceled) {
			v.Log.Error("the page could not be shown", "path", v.r.URL.Path, "err", err)
		}
		t = &trouble{http.StatusServiceUnavailable, "Escalations cannot be read or changed now",
			"The store does not answer. What nobody approves in time is rejected."}
	}
	v.render(t.status, "trouble.html", frame{Title: t.title}, t.why)
}

// frame is what every page has.
type frame struct {
	Title   string
	Tab     string // that is chosen
	Version int64  // of the store, that the page shows
	Notice  string // what was done
	Live    bool   // it changes by itself
	Refresh bool   // and is read again where there is no script
}

type view struct {
	frame
	Person        escalation.Person
	Environment   string
	Waiting       int
	Now           time.Time
	Token         string
	Style, Script string
	Body          any
}

var templates = template.Must(template.New("").Funcs(functions).ParseFS(files, "*.html"))

// render a page as a whole or not at all.
func (v *visit) render(status int, name string, f frame, body any) error {
	all := view{frame: f, Person: v.person, Now: v.now, Token: v.token(), Style: style.Path, Script: script.Path, Body: body}
	if fl := v.Fleet(); fl != nil {
		all.Environment = fl.Environment.Name
	}
	if v.person.Name != "" {
		if n, _, err := v.Service.Pending(v.ctx); err == nil {
			all.Waiting = n
		}
	}
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, all); err != nil {
		v.Log.Error("the page could not be written", "page", name, "err", err)
		http.Error(v.w, "the page could not be written", http.StatusInternalServerError)
		return nil
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	v.w.Write(out.Bytes())
	return nil
}
