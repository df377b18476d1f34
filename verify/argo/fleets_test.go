package argo

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const product = "../.."

// fleet is the folder of what somebody wrote, and that of what was generated.
type fleet struct{ root, generated string }

// platform is what matters here of a Platform. It is read past the compiler, whose understanding of it is in question.
type platform struct {
	Spec struct {
		Fleet string
		Git   struct {
			Repository, Path, ArgoNamespace string
			SignatureKeys                   []string
		}
		Environments []environment
	}
}

type environment struct{ Name, Cluster, Revision, Repository string }

func (p platform) argoNamespace() string { return cmp.Or(p.Spec.Git.ArgoNamespace, "argocd") }

func (d delivery) repository() string {
	return cmp.Or(d.env.Repository, d.platform.Spec.Git.Repository)
}

var platformFile = filepath.Join("agents.d", "platform.yaml")

func written(t *testing.T, root string) platform {
	t.Helper()
	var p platform
	if err := yaml.Unmarshal(read(t, filepath.Join(root, platformFile)), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// withAllSaid is a copy of the payments' fleet that demands signatures, and in which an environment has its own repository.
func withAllSaid(t *testing.T, payments string, keyIDs ...string) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.CopyFS(root, os.DirFS(payments)); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(root, platformFile),
		"\n  git:\n", "\n  git:\n    signatureKeys: [\""+strings.Join(keyIDs, `", "`)+"\"]\n",
		"\n    - name: live\n", "\n    - name: live\n      repository: git@git.pay.example:delivery/live.git\n")
	return root
}

// edit replaces texts of a file, each of which is there once.
func edit(t *testing.T, file string, pairs ...string) {
	t.Helper()
	text := string(read(t, file))
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			t.Fatalf("%s has %q %d times", file, pairs[i], strings.Count(text, pairs[i]))
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// compile runs the compiler of this repository on a fleet.
func compile(t *testing.T, root string) (generated string) {
	t.Helper()
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	generated = t.TempDir()
	cmd := exec.Command("go", "run", "./cmd/agentc", "compile", "-C", root, "--out", generated)
	cmd.Dir = product
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return generated
}

// manifests reads every file below a folder.
func manifests(t *testing.T, folder string) map[string][]unstructured.Unstructured {
	t.Helper()
	all := map[string][]unstructured.Unstructured{}
	err := filepath.WalkDir(folder, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below := filepath.ToSlash(strings.TrimPrefix(file, folder+string(filepath.Separator)))
		for _, object := range decoded[map[string]any](t, file) {
			all[below] = append(all[below], unstructured.Unstructured{Object: object})
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%s holds %d files (%v)", folder, len(all), err)
	}
	return all
}

// documents splits a generated file, in which a line of three hyphens is nothing but the end of a document.
func documents(t *testing.T, file string) [][]byte {
	t.Helper()
	return bytes.Split(read(t, file), []byte("\n---\n"))
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
