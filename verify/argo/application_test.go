package argo

import (
	"cmp"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v2/util/glob"
	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// alwaysWritten are the places that Argo CD's types write even where nothing was read.
var alwaysWritten = [][]string{{"status"}, {"spec", "source", "directory", "jsonnet"}}

// writtenAgain: what was read into Argo CD's types is written again, with nothing lost, added, or spelt otherwise.
func writtenAgain(t *testing.T, d delivery) {
	for file, read := range map[string]any{"project.yaml": []v1alpha1.AppProject{d.project}, "applications.yaml": d.applications} {
		data, err := yaml.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		var again []map[string]any
		if err := yaml.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		want := decoded[map[string]any](t, filepath.Join(d.folder, "delivery", file))
		for i := range again {
			for _, place := range alwaysWritten {
				if _, found, _ := unstructured.NestedFieldNoCopy(want[i], place...); !found {
					unstructured.RemoveNestedField(again[i], place...)
				}
			}
		}
		if diff := gocmp.Diff(want, again); diff != "" {
			t.Errorf("%s (-generated +again):\n%s", file, diff)
		}
	}
	if files, err := filepath.Glob(filepath.Join(d.folder, "delivery", "*")); err != nil || len(files) != 2 {
		t.Errorf("beside the two files that are asked about: %q (%v)", files, err)
	}
}

// everyFileOnce: each file is read for one Application, and not for two that would fight over it.
func everyFileOnce(t *testing.T, d delivery) {
	for file := range d.manifests {
		var in []string
		for _, app := range d.applications {
			if glob.Match(app.Spec.GetSource().Directory.Include, file) {
				in = append(in, app.Name)
			}
		}
		if len(in) != 1 {
			t.Errorf("%s is in %q", file, in)
		}
	}
}

func source(t *testing.T, d delivery) {
	git := d.platform.Spec.Git
	for _, app := range d.applications {
		source := app.Spec.GetSource()
		kind, err := source.ExplicitType()
		if err != nil || kind == nil || *kind != v1alpha1.ApplicationSourceTypeDirectory {
			t.Fatalf("%s does not sync a directory but a %v (%v)", app.Name, kind, err)
		}
		want := v1alpha1.ApplicationSource{
			RepoURL:        d.repository(),
			Path:           path.Join(cmp.Or(git.Path, "generated"), d.env.Name, "manifests"),
			TargetRevision: cmp.Or(d.env.Revision, "main"),
			Directory:      &v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: source.Directory.Include},
		}
		if app.Spec.HasMultipleSources() || !source.Equals(&want) {
			t.Errorf("%s (-want +got):\n%s", app.Name, gocmp.Diff(want, source))
		}
		if !d.project.IsSourcePermitted(source) {
			t.Errorf("%s: its project does not permit %s", app.Name, source.RepoURL)
		}
	}
}

func destination(t *testing.T, d delivery) {
	for _, app := range d.applications {
		if to := app.Spec.Destination; to.Server != d.env.Cluster || !d.permits(t, to) {
			t.Errorf("%s: %+v is another cluster, or nothing that its project permits", app.Name, to)
		}
		if app.Spec.GetProject() != d.project.Name || !d.project.IsAppNamespacePermitted(&app, d.project.Namespace) {
			t.Errorf("%s/%s is not in the project", app.Namespace, app.Name)
		}
	}
}

func syncPolicy(t *testing.T, d delivery) {
	for _, app := range d.applications {
		policy := app.Spec.SyncPolicy
		if policy.IsZero() || policy.Automated == nil || !policy.Automated.Prune || !policy.Automated.SelfHeal {
			t.Fatalf("%s prunes or heals nothing by itself: %+v", app.Name, policy)
		}
		if policy.Automated.AllowEmpty || policy.ManagedNamespaceMetadata != nil || len(app.Spec.IgnoreDifferences) != 0 {
			t.Errorf("%s may empty the cluster, or overlook changes: %+v", app.Name, app.Spec)
		}
		if !policy.SyncOptions.HasOption("ServerSideApply=true") || len(policy.SyncOptions) != 1 {
			t.Errorf("%s has the sync options %v", app.Name, policy.SyncOptions)
		}
		if got := app.Spec.GetRevisionHistoryLimit(); got != 3 {
			t.Errorf("%s remembers %d syncs", app.Name, got)
		}
	}
}

// retries counts, as Argo CD does, for how long a failed sync is tried again.
func retries(t *testing.T, d delivery) {
	for _, app := range d.applications {
		start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		end, retry := start, app.Spec.SyncPolicy.Retry
		for try := range retry.Limit {
			next, err := retry.NextRetryAt(end, try)
			if err != nil {
				t.Fatal(err)
			}
			end = next
		}
		if got, want := end.Sub(start), 14*time.Minute+10*time.Second; got != want {
			t.Errorf("%s: for %v, not %v", app.Name, got, want)
		}
	}
}

// deletion of these objects deletes no agent.
func deletion(t *testing.T, d delivery) {
	for _, app := range d.applications {
		if app.CascadedDeletion() || app.HasPostDeleteFinalizer() {
			t.Errorf("%s would take its agents along", app.Name)
		}
	}
	if d.project.HasFinalizer() {
		t.Error("the project has a finalizer")
	}
}
