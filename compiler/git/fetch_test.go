package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"agentc/compiler/git/gittest"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
)

// TestPublishAndRead goes the whole way by every way: an empty repository, the first commit, the second, and what they hold.
func TestPublishAndRead(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			r := openRemote(t, way.url(t, repo), Options{})
			if b := fetchBranch(t, r, "main"); !b.Tip.IsZero() || b.Commit != nil {
				t.Fatalf("an empty repository has the tip %s", b.Tip)
			}
			first := draftUpdate(t, repo, "main", map[string]string{"agents/a.yaml": "a: 1\n", "agents/b.yaml": "b: 1\n", "README": "hello\n"})
			pushAll(t, r, first)
			second := draftUpdate(t, repo, "main", map[string]string{"agents/a.yaml": "a: 2\n"}, "agents/b.yaml")
			pushAll(t, r, second)
			gittest.Git(t, repo, "fsck", "--strict")

			b := fetchBranch(t, r, "main")
			if b.Tip != second.New || b.Commit.Hash != second.New || b.Commit.ParentHashes[0] != first.New {
				t.Errorf("tip %s, commit %v; want %s", b.Tip, b.Commit, second.New)
			}
			want := map[string]string{"agents/a.yaml": "a: 2\n", "README": "hello\n"}
			files, err := b.Files(context.Background(), "agents/a.yaml", "agents/b.yaml", "README", "agents", "README/x", "", "../README", "no/such")
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for path, data := range files {
				got[path] = string(data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if b := fetchBranch(t, r, "elsewhere"); !b.Tip.IsZero() {
				t.Errorf("a branch that is not there is at %s", b.Tip)
			}
		})
	}
}

func pushAll(t testing.TB, r *Remote, u Update) {
	t.Helper()
	if err := r.Push(context.Background(), u); err != nil {
		t.Fatal(err)
	}
}

// counted counts the requests for objects, and lets a test refuse one by its text.
func counted(n *atomic.Int32, refuse string) gittest.Wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, "/git-upload-pack") {
				n.Add(1)
				text, _ := io.ReadAll(req.Body)
				if refuse != "" && bytes.Contains(text, []byte(refuse)) {
					http.Error(w, "not today", http.StatusInternalServerError)
					return
				}
				req.Body = io.NopCloser(bytes.NewReader(text))
			}
			next.ServeHTTP(w, req)
		})
	}
}

// TestSparse: files are left out where the remote can hand them out later, and are then fetched in one request.
func TestSparse(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   []string
		refuse   string // requests with this text
		bare     bool
		requests int32
	}{
		{"nothing offered", nil, "", false, 1},
		{"filter without any object", []string{"uploadpack.allowFilter"}, "", false, 1},
		{"filter and tips only", []string{"uploadpack.allowFilter", "uploadpack.allowTipSHA1InWant"}, "", false, 1},
		{"filter and what is reachable", []string{"uploadpack.allowFilter", "uploadpack.allowReachableSHA1InWant"}, "", true, 2},
		{"filter and any object", []string{"uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"}, "", true, 2},
		{"the filter is refused", []string{"uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"}, "filter blob:none", false, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			hermit(t)
			repo := gittest.Bare(t)
			gittest.Commit(t, repo, "main", map[string]string{"a": "1", "d/b": "2", "d/e/c": "3"})
			for _, key := range test.config {
				gittest.Git(t, repo, "config", key, "true")
			}
			var requests atomic.Int32
			b := fetchBranch(t, openRemote(t, gittest.HTTP(t, repo, counted(&requests, test.refuse)), Options{}), "main")
			if b.bare != test.bare {
				t.Errorf("files left out: %v", b.bare)
			}
			ids := []plumbing.Hash{}
			for _, path := range []string{"a", "d/b", "d/e/c", "a"} {
				ids = append(ids, plumbing.NewHash(gittest.Git(t, repo, "rev-parse", "main:"+path)))
			}
			if missing := len(b.missing(ids)); (missing == 3) != test.bare {
				t.Errorf("%d files are missing", missing)
			}
			files, err := b.Blobs(context.Background(), ids)
			if err != nil {
				t.Fatal(err)
			}
			want := map[plumbing.Hash][]byte{ids[0]: []byte("1"), ids[1]: []byte("2"), ids[2]: []byte("3")}
			if diff := cmp.Diff(want, files); diff != "" {
				t.Error(diff)
			}
			if requests.Load() != test.requests {
				t.Errorf("%d requests, want %d", requests.Load(), test.requests)
			}
		})
	}
}

// TestSparseBroken: a remote that left files out and then does not hand one out is asked for everything.
func TestSparseBroken(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	gittest.Commit(t, repo, "main", map[string]string{"a": "1", "b": "2"})
	gittest.Git(t, repo, "config", "uploadpack.allowFilter", "true")
	gittest.Git(t, repo, "config", "uploadpack.allowReachableSHA1InWant", "true")
	var requests atomic.Int32
	refused := gittest.Git(t, repo, "rev-parse", "main:b")
	b := fetchBranch(t, openRemote(t, gittest.HTTP(t, repo, counted(&requests, refused)), Options{}), "main")
	if files, err := b.Files(context.Background(), "b"); string(files["b"]) != "2" || err != nil {
		t.Errorf("got %q, %v", files, err)
	}
	if requests.Load() != 3 {
		t.Errorf("%d requests, want 3: without files, the file, everything", requests.Load())
	}
	unknown := plumbing.NewHash(strings.Repeat("ab", 20))
	if _, err := b.Blobs(context.Background(), []plumbing.Hash{unknown}); err == nil {
		t.Error("a file that nobody has was read")
	}
}

// TestWithoutHistory: only the last commit is fetched where the remote can cut its history, and all of it where not.
func TestWithoutHistory(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	first := gittest.Commit(t, repo, "main", map[string]string{"a": "1"})
	gittest.Commit(t, repo, "main", map[string]string{"a": "2"})
	deep := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			next.ServeHTTP(&rewriting{w, " shallow", " SHALLOW"}, req)
		})
	}
	for _, test := range []struct {
		url   string
		known bool
	}{{repo, false}, {gittest.HTTP(t, repo), false}, {gittest.HTTP(t, repo, deep), true}} {
		b := fetchBranch(t, openRemote(t, test.url, Options{}), "main")
		if known := b.store.HasEncodedObject(plumbing.NewHash(first)) == nil; known != test.known {
			t.Errorf("%s: the first commit is there: %v", test.url, known)
		}
	}
}

// rewriting replaces a word of an answer by another of the same length.
type rewriting struct {
	http.ResponseWriter
	from, to string
}

func (w *rewriting) Write(p []byte) (int, error) {
	return w.ResponseWriter.Write(bytes.ReplaceAll(p, []byte(w.from), []byte(w.to)))
}

func TestForeignObjectFormat(t *testing.T) {
	hermit(t)
	dir := t.TempDir()
	gittest.Git(t, dir, "init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", ".")
	gittest.Commit(t, dir, "main", map[string]string{"a": "1"})
	_, err := openRemote(t, dir, Options{}).Fetch(context.Background(), "main")
	wantFailure(t, err, Broken, "SHA-256")
}

// TestBranchNames: a name that Git takes for another branch than the one that is meant makes none.
func TestBranchNames(t *testing.T) {
	for name, words := range map[string]string{
		"": "", "a..b": "", "-x": "", "a b": "", "HEAD": "like main", "refs/heads/main": "like main", "refs/x": "like main",
	} {
		_, err := branchName(name)
		wantFailure(t, err, BadBranch, words)
	}
	for _, name := range []string{"main", "a/HEAD", "env/refs/x", "references"} {
		if got, err := branchName(name); err != nil || got.Short() != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestSymlinkIsNoFile(t *testing.T) {
	hermit(t)
	repo := gittest.Bare(t)
	gittest.Commit(t, repo, "main", map[string]string{"target": "secret"})
	id := gittest.Git(t, repo, "rev-parse", "main:target")
	tree := gittest.Tree(t, repo, fmt.Sprintf("120000 blob %s\tlink\n", id))
	gittest.Git(t, repo, "-c", "user.name=t", "-c", "user.email=t@soc.example", "update-ref", "refs/heads/main",
		gittest.Git(t, repo, "-c", "user.name=t", "-c", "user.email=t@soc.example", "commit-tree", "-m", "x", tree))
	if files, err := fetchBranch(t, openRemote(t, repo, Options{}), "main").Files(context.Background(), "link"); len(files) > 0 || err != nil {
		t.Errorf("a link was read as a file: %v, %v", files, err)
	}
}

// wantFailure checks the cause, that the sentence names what it must, and that it is one that can be printed.
func wantFailure(t testing.TB, err error, cause Cause, words ...string) {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %T %v, want a *Failure", err, err)
	}
	if f.Cause != cause {
		t.Errorf("cause %d, want %d: %v", f.Cause, cause, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if text := err.Error(); clean(text) != text {
		t.Errorf("%q is not fit to print", text)
	}
}
