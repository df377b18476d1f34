package delivery

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/object"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// limit is how many bytes of files Argo CD reads for one Application, unless the platform raised it.
const limit = 10_000_000

// share is one Application and the files that it deploys.
type share struct {
	object *object.Object
	name   string
	wave   int // within the root application
	files  int
	bytes  int
}

// applications compares each with the claims.
func (j *judging) applications() {
	for _, s := range j.shares {
		o := s.object
		s.name, s.wave = o.GetName(), j.wave(o)
		include, _, _ := unstructured.NestedString(o.Object, "spec", "source", "directory", "include")
		if j.project != nil && s.wave <= j.wave(j.project) {
			j.At(o, []any{"metadata", "annotations", wave}, j.claimed.At, "is applied before its AppProject")
		}
		// What is not in this list is not there: an ignored difference, a second source, `allowEmpty`.
		j.compare(o, o.Object["spec"], map[string]any{
			"project": j.projectName(),
			"source": map[string]any{
				"repoURL":        j.claimed.Repository,
				"path":           path.Join(j.claimed.Path, j.env.Name, "manifests"),
				"targetRevision": j.claimed.Revision,
				"directory":      map[string]any{"recurse": true, "include": include},
			},
			"destination": map[string]any{"server": j.claimed.Cluster, "namespace": anything{}},
			"syncPolicy": map[string]any{
				"automated":   map[string]any{"prune": true, "selfHeal": true},
				"syncOptions": []any{"ServerSideApply=true"},
				"retry":       anything{},
			},
			"revisionHistoryLimit": anything{},
		}, "spec")
		if _, more := o.Object["operation"]; more {
			j.At(o, []any{"operation"}, j.claimed.At, "starts a sync of its own")
		}
		namespace, _, _ := unstructured.NestedString(o.Object, "spec", "destination", "namespace")
		if !matches(j.namespaces(), namespace) {
			j.At(o, []any{"spec", "destination", "namespace"}, j.claimed.At, "deploys into the namespace %q, which its AppProject does not permit", namespace)
		}
	}
	if len(j.shares) == 0 {
		j.Missing(j.env.Folder+"delivery/applications.yaml", j.claimed.At, "there is no Application: nothing is deployed")
	}
}

func (j *judging) projectName() string {
	if j.project == nil {
		return j.env.Fleet + "-" + j.env.Name
	}
	return j.project.GetName()
}

// included are the patterns of an Application: what they match ends in .yaml. In braces the end of the pattern need not be the end of a name.
var included = regexp.MustCompile(`^(?:[A-Za-z0-9_./*-]|\[!?[A-Za-z0-9_.-]+\])*\.yaml$`)

// files wants every file in one Application. Two that hold the same would undo and prune each other's work; one that is in none is not deployed.
func (j *judging) files() {
	include := make([]glob.Glob, len(j.shares))
	for i, s := range j.shares {
		pattern, _, _ := unstructured.NestedString(s.object.Object, "spec", "source", "directory", "include")
		g, err := glob.Compile(pattern)
		if err != nil || !included.MatchString(pattern) {
			j.At(s.object, []any{"spec", "source", "directory", "include"}, j.claimed.At, "include is %q, by which more than the manifests could be meant, or nothing", pattern)
			continue
		}
		include[i] = g
	}
	of := map[string]*share{}
	for _, file := range slices.Sorted(maps.Keys(j.env.Sizes)) {
		below := strings.TrimPrefix(file, j.env.Folder+"manifests/")
		for i, s := range j.shares {
			if include[i] == nil || !include[i].Match(below) {
				continue
			}
			if other := of[file]; other != nil {
				j.Missing(file, claims.At{}, "is deployed by two Applications, %s and %s", other.name, s.name)
			}
			of[file] = s
			s.files++
			s.bytes += j.env.Sizes[file]
		}
		if of[file] == nil {
			j.Missing(file, claims.At{}, "is deployed by no Application")
		}
	}
	for _, s := range j.shares {
		switch {
		case s.files == 0:
			j.At(s.object, []any{"spec", "source", "directory", "include"}, j.claimed.At, "deploys no file")
		case s.bytes > limit:
			j.At(s.object, []any{"spec", "source", "directory", "include"}, j.claimed.At, "deploys %d bytes of manifests; Argo CD reads no more than %d for one Application", s.bytes, limit)
		}
	}
	j.together(of)
}

// together wants a namespace and all that is in it in one Application, since waves order nothing between two; and what is for the whole
// cluster, which are the policies, in one that comes first.
func (j *judging) together(of map[string]*share) {
	homes := map[string]*share{}
	for _, o := range j.index.Kind("", "Namespace") {
		homes[o.GetName()] = of[o.File]
	}
	var first *share
	for _, o := range j.env.Manifests {
		s := of[o.File]
		if s == nil {
			continue
		}
		namespace := namespaceOf(o)
		if namespace == "" {
			if first != nil && s.wave > first.wave || first == nil {
				first = s
			}
			continue
		}
		if home := homes[namespace]; home != nil && home != s {
			j.At(o, []any{"metadata", "namespace"}, j.index.SpecOf(o), "is deployed by %s, and its Namespace by %s: nothing puts the one before the other", s.name, home.name)
		}
	}
	for _, s := range j.shares {
		if first != nil && s != first && s.files > 0 && s.wave <= first.wave {
			j.At(s.object, []any{"metadata", "annotations", wave}, j.claimed.At, "does not wait for %s, which brings the policies that judge what it deploys", first.name)
		}
	}
}
