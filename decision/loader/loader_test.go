package loader

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/bundle"
	"agentc/decision/bundle/bundletest"
	"agentc/decision/engine"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const end = "2027-02-28T12:00:00Z"

// offered is a source that a test fills.
type offered struct {
	f   *Fetched
	err error
}

func (o *offered) Fetch(_ context.Context, tag string) (*Fetched, error) {
	if o.err != nil || o.f == nil || o.f.Tag == tag {
		return nil, o.err
	}
	return o.f, nil
}

// rig is a loader of prod's bundles with what a test turns.
type rig struct {
	*Loader
	key    *bundletest.Key
	source *offered
	files  map[string][]byte
	now    time.Time
	events []Event
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{key: bundletest.NewKey(t, "ES256"), source: &offered{}, files: bundletest.Shipped(t, "../../generated/prod/bundle"), now: noon}
	r.Loader = r.another(t.TempDir())
	return r
}

// another loader beside the first, or after it.
func (r *rig) another(data string) *Loader {
	return &Loader{
		Source: r.source, Keys: r.key.Keys, Environment: "prod", Data: data, Now: func() time.Time { return r.now }, Prepare: prepare,
		Changed: func(e Event) { r.events = append(r.events, e) }, Log: slog.New(slog.DiscardHandler),
	}
}

func prepare(ctx context.Context, b *bundle.Bundle) (*engine.Engine, error) {
	return engine.New(ctx, b, engine.Options{})
}

func (r *rig) offer(archive []byte, tag string) { r.source.f = &Fetched{Archive: archive, Tag: tag} }

// changed are the shipped files with another revision.
func changed(files map[string][]byte, revision string) map[string][]byte {
	files = maps.Clone(files)
	text := string(files[".manifest"])
	at := strings.Index(text, `"revision": "`) + len(`"revision": "`)
	files[".manifest"] = []byte(text[:at] + revision + text[at+len(revision):])
	return files
}

// TestSwap: a newer bundle takes the place of the old one; what is wrong with the next leaves it there, and says so.
func TestSwap(t *testing.T) {
	r := newRig(t)
	r.offer(r.key.Seal(t, r.files, 4, end), "four")
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.offer(r.key.Seal(t, changed(r.files, "5555"), 5, end), "five")
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	five, err := r.Current()
	if err != nil || five.Manifest.Metadata.Sequence != 5 || five.Digest == "" || !five.NotAfter.Equal(noon.AddDate(0, 3, 0)) {
		t.Fatalf("%+v, %v", five, err)
	}
	other := bundletest.NewKey(t, "ES256")
	edited := func(file, old, text string) map[string][]byte {
		files := changed(r.files, "6666")
		files[file] = []byte(strings.Replace(string(files[file]), old, text, 1))
		return files
	}
	for _, c := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"older", r.key.Seal(t, r.files, 4, end), "the sequence 4; 5 was in force"},
		{"the same sequence again, another content", r.key.Seal(t, changed(r.files, "6666"), 5, end), "and another content"},
		{"the same sequence, a longer life", r.key.Seal(t, changed(r.files, "5555"), 5, "2028-02-28T12:00:00Z"), "and another content"},
		{"unsealed", bundletest.Pack(t, r.files), "the bundle's seal: there is none"},
		{"another's", other.Seal(t, r.files, 6, end), "not one of the key publisher"},
		{"of another environment", r.key.Seal(t, bundletest.Shipped(t, "../../generated/dev/bundle"), 6, end), `for the environment "dev"`},
		{"over", r.key.Seal(t, r.files, 6, "2026-11-28T11:59:59Z"), "ended at 2026-11-28T11:59:59Z"},
		{"without an end", r.key.Seal(t, r.files, 6, ""), "no sequence or no end"},
		{"without a sequence", r.key.Seal(t, r.files, 0, end), "no sequence or no end"},
		{"with an end that is none", r.key.Seal(t, r.files, 6, "soon"), "not_after"},
		{"half written", five.Archive[:len(five.Archive)/2], "the bundle: "},
		{"no bundle", []byte("<html>"), "the bundle is not packed"},
		{"that calls out", r.key.Seal(t, edited("reviewers/soc/containment.rego", "reject contains", "reject contains \"x\" if http.send({}).status_code == 200\n\nreject contains"), 6, end), "http.send"},
		{"that fails its own questions", r.key.Seal(t, edited("agentc/data.json", `"allSkills": false`, `"allSkills": true`), 6, end), "self-test"},
	} {
		r.offer(c.archive, c.name)
		r.events = nil
		refused := r.Status().Refused
		if err := r.Look(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		s := r.Status()
		if now, err := r.Current(); now != five || err != nil || s.Refused != refused+1 || !strings.Contains(s.Error, c.want) || s.Sequence != 5 {
			t.Errorf("%s: %+v, %v; %+v", c.name, now, err, s)
		}
		if len(r.events) != 1 || r.events[0].Err == nil {
			t.Errorf("%s: %+v", c.name, r.events)
		}
		if r.tag != "five" {
			t.Errorf("%s: the tag is %q: the bundle would not be offered again", c.name, r.tag)
		}
	}
	r.source.f = &Fetched{Archive: five.Archive, Tag: "five"}
	if err := r.Look(t.Context()); err != nil || r.Status().Error != "" {
		t.Errorf("the right one again: %v, %+v", err, r.Status())
	}
}

// untagged is a server that sends no ETag.
type untagged struct{ *offered }

func (u untagged) Fetch(context.Context, string) (*Fetched, error) { return u.f, nil }

// TestPanic: a bundle that makes us panic is refused, and the old one stays.
func TestPanic(t *testing.T) {
	r := newRig(t)
	r.offer(r.key.Seal(t, r.files, 1, end), "")
	r.Source = untagged{r.source}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	prepared := 0
	r.Prepare = func(context.Context, *bundle.Bundle) (*engine.Engine, error) { prepared++; panic("a fault of ours") }
	if err := r.Look(t.Context()); err != nil || prepared != 0 {
		t.Errorf("the same bundle without a tag is prepared %d times: %v", prepared, err)
	}
	r.offer(r.key.Seal(t, changed(r.files, "b"), 2, end), "b")
	if err := r.Look(t.Context()); err == nil || prepared != 1 {
		t.Errorf("prepared %d times: %v", prepared, err)
	}
	if s := r.Status(); s.Sequence != 1 || s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

// TestRestart: what was in force outlives the process, byte for byte, and so does the mark.
func TestRestart(t *testing.T) {
	r := newRig(t)
	four, five := r.key.Seal(t, r.files, 4, end), r.key.Seal(t, changed(r.files, "5555"), 5, end)
	r.offer(four, "four")
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.offer(five, "five")
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := func() (*Loader, error) {
		l := r.another(r.Data)
		return l, l.Start(t.Context())
	}
	r.source.err = errors.New("the source is away")
	l, err := start()
	if err != nil {
		t.Fatal(err)
	}
	if f, err := l.Current(); err != nil || string(f.Archive) != string(five) {
		t.Errorf("the source is away: %v, %v", f, err)
	}
	if s := l.Status(); s.Sequence != 5 || s.Error != "the source is away" || !s.Confirmed.IsZero() {
		t.Errorf("%+v", s)
	}
	r.source.err = nil
	r.offer(four, "four")
	if l, err = start(); err != nil || l.Status().Sequence != 5 || !strings.Contains(l.Status().Error, "the sequence 4; 5 was in force") {
		t.Errorf("the source went back: %v, %+v", err, l.Status())
	}
	r.source.f, r.source.err = nil, errors.New("the source is away")
	for name, spoil := range map[string]func(file string) error{
		"gone":    os.Remove,
		"changed": func(file string) error { return os.WriteFile(file, []byte("x"), 0o600) },
	} {
		if err := spoil(filepath.Join(r.Data, archiveFile)); err != nil {
			t.Fatal(err)
		}
		l, err := start()
		if f, none := l.Current(); err != nil || none == nil || !strings.Contains(l.Status().Error, "the sequence 4; 5 was in force") {
			t.Errorf("%s, and the one before is too old: %v, %v", name, f, err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.Data, markFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := start(); err == nil || !strings.Contains(err.Error(), "too old, and cannot be read") {
		t.Errorf("no mark: %v", err)
	}
}

// TestCrash: between the steps of remembering, either the old or the new bundle is there, and both are permitted.
func TestCrash(t *testing.T) {
	for name, crash := range map[string]func(data string, four, five []byte) error{
		"after the old one was moved": func(data string, four, five []byte) error {
			return os.Rename(filepath.Join(data, archiveFile), filepath.Join(data, previousFile))
		},
		"before the mark": func(data string, four, five []byte) error {
			return os.WriteFile(filepath.Join(data, archiveFile), five, 0o600)
		},
		"while writing": func(data string, four, five []byte) error {
			return os.WriteFile(filepath.Join(data, ".x.1"), five[:9], 0o600)
		},
	} {
		r := newRig(t)
		four, five := r.key.Seal(t, r.files, 4, end), r.key.Seal(t, changed(r.files, "5555"), 5, end)
		r.offer(four, "four")
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := crash(r.Data, four, five); err != nil {
			t.Fatal(err)
		}
		r.source.err = errors.New("the source is away")
		l := r.another(r.Data)
		if err := l.Start(t.Context()); err != nil || l.Status().Sequence < 4 {
			t.Errorf("%s: %v, %+v", name, err, l.Status())
		}
	}
}

// TestDiskFull: a bundle that cannot be remembered does not come into force.
func TestDiskFull(t *testing.T) {
	r := newRig(t)
	r.Data = filepath.Join(r.Data, "not-there")
	r.offer(r.key.Seal(t, r.files, 4, end), "four")
	if err := r.Start(t.Context()); err != nil || !strings.Contains(r.Status().Error, "cannot be remembered") {
		t.Error(err, r.Status())
	}
	if f, err := r.Current(); err == nil {
		t.Errorf("%+v is in force", f)
	}
}

// TestEnds: a bundle that is over, or that nobody confirms, decides nothing any more.
func TestEnds(t *testing.T) {
	r := newRig(t)
	r.MaxStaleness = time.Hour
	r.offer(r.key.Seal(t, r.files, 4, "2026-11-28T15:00:00Z"), "four")
	if _, err := r.Current(); err == nil || !strings.Contains(err.Error(), "no bundle yet") {
		t.Errorf("before the first: %v", err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.source.err = errors.New("away")
	r.now = noon.Add(time.Hour)
	r.Look(t.Context())
	if _, err := r.Current(); err != nil {
		t.Error(err)
	}
	r.now = noon.Add(time.Hour + time.Second)
	if _, err := r.Current(); err == nil || !strings.Contains(err.Error(), "nobody has confirmed") {
		t.Errorf("stale: %v", err)
	}
	r.source.err = nil
	if err := r.Look(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := r.Current(); err != nil {
		t.Error(err)
	}
	r.now = noon.Add(3*time.Hour + time.Second)
	r.Look(t.Context())
	if _, err := r.Current(); err == nil || !strings.Contains(err.Error(), "the bundle ended") {
		t.Errorf("over: %v", err)
	}
}

// TestGit: where nobody asks for seals a folder is taken as it is, and so is what comes after it.
func TestGit(t *testing.T) {
	r := newRig(t)
	l := r.another("")
	l.Keys, l.Environment, l.Source = nil, "", File("../../generated/dev/bundle")
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := l.Current()
	if err != nil || before.Manifest.Metadata.Environment != "dev" {
		t.Fatal(before, err)
	}
	if err := l.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, _ := l.Current(); now != before {
		t.Error("the same bundle was taken twice")
	}
}

// TestRemote: from a server to agentd, and from agentd to a guard, byte for byte, and only when there is another.
func TestRemote(t *testing.T) {
	r := newRig(t)
	name := filepath.Join(t.TempDir(), "bundle.tar.gz")
	four := r.key.Seal(t, r.files, 4, end)
	if err := os.WriteFile(name, four, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Source = File(name)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var statuses []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		recorded := httptest.NewRecorder()
		r.Serve(recorded, request)
		mu.Lock()
		statuses = append(statuses, recorded.Code)
		mu.Unlock()
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		w.Write(recorded.Body.Bytes())
	}))
	defer server.Close()
	guard := r.another(t.TempDir())
	guard.Source = &Remote{URL: server.URL, Client: &http.Client{CheckRedirect: NoRedirects}}
	if err := guard.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := guard.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := guard.Current()
	if err != nil || string(f.Archive) != string(four) || len(statuses) != 2 || statuses[1] != http.StatusNotModified {
		t.Errorf("%v, %v", err, statuses)
	}
	moved := httptest.NewServer(http.RedirectHandler(server.URL, http.StatusFound))
	defer moved.Close()
	for want, source := range map[string]Source{
		"is not followed":     &Remote{URL: moved.URL, Client: &http.Client{CheckRedirect: NoRedirects}},
		"404":                 &Remote{URL: server.URL + "/x", Client: &http.Client{Transport: roundTrip(http.StatusNotFound)}},
		"no such file":        &Remote{URL: server.URL, Client: http.DefaultClient, Credential: "not-there"},
		"304":                 &Remote{URL: server.URL, Client: &http.Client{Transport: roundTrip(http.StatusNotModified)}},
		"no such file or dir": File("not-there"),
	} {
		if f, err := source.Fetch(t.Context(), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, f, err)
		}
	}
}

type roundTrip int

func (status roundTrip) RoundTrip(*http.Request) (*http.Response, error) {
	r := httptest.NewRecorder()
	r.WriteHeader(int(status))
	return r.Result(), nil
}

// TestUnderLoad: while bundles are swapped, whoever asks gets one whole bundle: its own answers under its own number.
func TestUnderLoad(t *testing.T) {
	r := newRig(t)
	archives := map[int64][]byte{}
	for n := int64(1); n <= 6; n++ {
		archives[n] = r.key.Seal(t, changed(r.files, strings.Repeat(string('a'+rune(n)), 4)), n, end)
	}
	r.offer(archives[1], "1")
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			q := engine.Question{Subject: engine.Entity{Type: "agent", ID: "x"}, Action: "y", Resource: engine.Entity{Type: "agent", ID: "z"}}
			for last := int64(0); ctx.Err() == nil; {
				f, err := r.Current()
				if err != nil {
					t.Error(err)
					return
				}
				m := f.Manifest
				if m.Metadata.Sequence < last {
					t.Errorf("%d after %d", m.Metadata.Sequence, last)
				}
				if want := strings.Repeat(string('a'+rune(m.Metadata.Sequence)), 4); m.Revision[:4] != want {
					t.Errorf("the revision %s under the sequence %d", m.Revision, m.Metadata.Sequence)
				}
				last = m.Metadata.Sequence
				if a := f.Decide(ctx, q); a.Verdict != engine.Reject {
					t.Errorf("%+v", a)
				}
			}
		})
	}
	for n := int64(2); n <= 6; n++ {
		r.source.f = &Fetched{Archive: archives[n], Tag: string('0' + rune(n))}
		if err := r.Look(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop()
	asking.Wait()
}
