package publish_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"agentc/compiler"
	"agentc/compiler/lock"
	"agentc/compiler/publish"
	"agentc/compiler/seal"
	"agentc/schema"
)

var publicKey = regexp.MustCompile(`(?s)( *)-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n`)

// shipped compiles the shipped fleet, whose prod loads sealed bundles only, with the public half of a key of the test's.
func shipped(tb testing.TB) (*compiler.Output, *seal.Key) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key := &seal.Key{Signer: private}
	return shippedFor(tb, key, nil), key
}

// shippedFor compiles the shipped fleet for a key, without some of its files.
func shippedFor(tb testing.TB, key *seal.Key, without func(file string) bool) *compiler.Output {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Signer.Public())
	if err != nil {
		tb.Fatal(err)
	}
	public := strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	var dirs []schema.Dir
	for _, name := range []string{"agents.d", "policies"} {
		files := copyOf(tb, "../../"+name)
		if platform, ok := files["platform.yaml"]; ok {
			platform.Data = publicKey.ReplaceAllFunc(platform.Data, func(old []byte) []byte {
				indent := string(publicKey.FindSubmatch(old)[1])
				return []byte(indent + strings.ReplaceAll(public, "\n", "\n"+indent) + "\n")
			})
		}
		maps.DeleteFunc(files, func(file string, _ *fstest.MapFile) bool { return without != nil && without(file) })
		dirs = append(dirs, schema.Dir{Name: name, FS: files})
	}
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		tb.Fatal(err, problems)
	}
	return out
}

func copyOf(tb testing.TB, dir string) fstest.MapFS {
	tb.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(dir + "/" + path)
		files[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// sealing gives a job a key, and seals that hold for thirty days.
func sealing(key *seal.Key, job *publish.Job) *publish.Job {
	job.Seal = seal.Options{Keys: []*seal.Key{key}, Now: job.Now, Life: 30 * 24 * time.Hour}
	return job
}

// prodSeal is what agentc.seal.json on the release branch says of prod.
func prodSeal(tb testing.TB, repo string) lock.BundleSeal {
	tb.Helper()
	var seals lock.Seals
	if err := json.Unmarshal([]byte(gitIn(tb, repo, "show", "release:generated/"+lock.SealName)), &seals); err != nil {
		tb.Fatal(err)
	}
	return seals.Bundles["prod"]
}

// TestSeals: an unchanged bundle keeps its seal, a reverted one gets a higher sequence, an old one is renewed.
func TestSeals(t *testing.T) {
	repo := bare(t)
	out, key := shipped(t)
	without := shippedFor(t, key, func(file string) bool { return file == "soc/containment.rego" })
	run := func(out *compiler.Output, days int, want int64) lock.BundleSeal {
		t.Helper()
		job := newJob(out)
		job.Now = job.Now.AddDate(0, 0, days)
		sealing(key, job)
		all := targets(t, out, publish.Choice{URL: repo, Environments: []string{"prod"}})
		if _, err := job.Publish(context.Background(), all[0]); err != nil {
			t.Fatal(err)
		}
		s := prodSeal(t, repo)
		if s.Sequence != want {
			t.Errorf("day %d: sequence %d, want %d", days, s.Sequence, want)
		}
		return s
	}
	first := run(out, 0, 1)
	if again := run(out, 5, 1); again != first {
		t.Error("the seal of an unchanged bundle changed")
	}
	run(without, 6, 2)
	run(out, 7, 3) // the revert
	if renewed := run(out, 20, 4); renewed.NotAfter != "2027-01-11T13:00:00Z" {
		t.Errorf("renewed until %s", renewed.NotAfter)
	}
}

func TestNoKeyOrTheWrongOne(t *testing.T) {
	repo := bare(t)
	out, _ := shipped(t)
	_, wrong := shipped(t)
	for name, job := range map[string]*publish.Job{
		"prod loads sealed bundles only": newJob(out),
		"publisher-2026":                 sealing(wrong, newJob(out)),
	} {
		_, err := job.Publish(context.Background(), targets(t, out, publish.Choice{URL: repo, Environments: []string{"prod"}})[0])
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q in it", err, name)
		}
	}
	if refs := gitIn(t, repo, "for-each-ref"); refs != "" {
		t.Errorf("pushed: %s", refs)
	}
}

// TestSequenceNeverFalls: whatever somebody does to the seals on the branch, publish stops, or counts on.
func TestSequenceNeverFalls(t *testing.T) {
	out, key := shipped(t)
	without := shippedFor(t, key, func(file string) bool { return file == "soc/containment.rego" })
	run := func(repo string, out *compiler.Output, discard bool) error {
		job := sealing(key, newJob(out))
		job.Discard = discard
		_, err := job.Publish(context.Background(), targets(t, out, publish.Choice{URL: repo, Environments: []string{"prod"}})[0])
		return err
	}
	for name, change := range map[string]func(seals string) map[string]string{
		"gone": func(string) map[string]string { return map[string]string{lock.SealName: ""} },
		"another count": func(seals string) map[string]string {
			return map[string]string{lock.SealName: strings.Replace(seals, `"sequence": 2`, `"sequence": 1`, 1)}
		},
		"no statement": func(string) map[string]string { return map[string]string{lock.StatementName: ""} },
	} {
		t.Run(name, func(t *testing.T) {
			repo := bare(t)
			for _, out := range []*compiler.Output{out, without} {
				if err := run(repo, out, false); err != nil {
					t.Fatal(err)
				}
			}
			clone := t.TempDir()
			gitIn(t, ".", "clone", "-q", "-b", "release", repo, clone)
			for file, text := range change(gitIn(t, repo, "show", "release:generated/"+lock.SealName)) {
				path := clone + "/generated/" + file
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if text == "" {
					gitIn(t, clone, "rm", "-qf", path)
				}
			}
			gitIn(t, clone, "-c", "user.name=Eve", "-c", "user.email=eve@soc.example", "commit", "-qam", "Mine")
			gitIn(t, clone, "push", "-q", "origin", "HEAD:release")
			if err := run(repo, out, false); err == nil || !strings.Contains(err.Error(), "does not vouch for") {
				t.Errorf("%v, want a refusal", err)
			}
			if err := run(repo, out, true); err != nil {
				t.Fatal(err)
			}
			if s := prodSeal(t, repo); s.Sequence != 3 {
				t.Errorf("sequence %d, want 3", s.Sequence)
			}
		})
	}
}

// TestAPullRequestKeepsItsSeals: a second run offers the same commit, though its clock says another time.
func TestAPullRequestKeepsItsSeals(t *testing.T) {
	repo := bare(t)
	out, key := shipped(t)
	without := shippedFor(t, key, func(file string) bool { return file == "soc/containment.rego" })
	run := func(out *compiler.Output, request bool, hours int) (*publish.Result, error) {
		job := newJob(out)
		job.PullRequest, job.Now = request, job.Now.Add(time.Duration(hours)*time.Hour)
		return sealing(key, job).Publish(context.Background(), targets(t, out, publish.Choice{URL: repo, Environments: []string{"prod"}})[0])
	}
	if _, err := run(out, true, 0); err == nil || !strings.Contains(err.Error(), "there is no branch release") {
		t.Errorf("%v, want a refusal to ask for nothing", err)
	}
	if _, err := run(out, false, 0); err != nil {
		t.Fatal(err)
	}
	first, err := run(without, true, 1)
	if err != nil || first.Branch != "agentc/soc/prod/release" || first.New.IsZero() {
		t.Fatalf("%v %+v", err, first)
	}
	if again, err := run(without, true, 2); err != nil || again.Message != "" {
		t.Errorf("%v, the second run pushed %v", err, again)
	}
	if _, err := run(out, true, 3); err == nil || !strings.Contains(err.Error(), "still offers something else") {
		t.Errorf("%v, want a refusal to leave an old offer open", err)
	}
}
