package schemas

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"sync"

	"agentc/verify/claims"
	"agentc/verify/defaults"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"
	"agentc/verify/podsecurity"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Judge asks for every object whether the API server would take it, store it as it stands here, and run the pods that it describes.
func Judge(env *judge.Environment, report *judge.Report) error {
	ix := index.Of(env)
	set := Embedded()
	objects := slices.Concat(env.Manifests, env.Delivery)
	set.prepare(objects)
	for _, o := range objects {
		at := ix.SpecOf(o)
		var stored map[string]any
		var problems []Problem
		if set.Knows(o.GroupVersionKind()) {
			stored, problems = set.judge(o)
		} else {
			stored, problems = native(o)
		}
		for _, p := range problems {
			report.At(o, object.Path(p.Path), at, "%s", p.Text)
		}
		if len(problems) == 0 {
			same(ix, o, stored, report, at)
		}
	}
	report.Count("objects", len(objects))
	return restricted(ix, report)
}

// prepare makes the schemas that the objects need, all at once rather than one after the other.
func (s *Set) prepare(objects []*object.Object) {
	needed := map[schema.GroupVersionKind]*kind{}
	for _, o := range objects {
		gvk := o.GroupVersionKind()
		if k := s.kinds[gvk]; k != nil {
			needed[gvk] = k
		}
	}
	var wait sync.WaitGroup
	for _, k := range needed {
		wait.Go(func() { k.made() })
	}
	wait.Wait()
}

// native asks Kubernetes' own code. What it does not list is refused.
func native(o *object.Object) (map[string]any, []Problem) {
	stored, err := defaults.Stored(o)
	if err == nil {
		return stored, nil
	}
	var problems []Problem
	for _, err := range each(err) {
		problems = append(problems, Problem{fieldOf(err), err.Error()})
	}
	return nil, problems
}

func each(err error) []error {
	if all, ok := errors.AsType[utilerrors.Aggregate](err); ok {
		return all.Errors()
	}
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		return strict.Errors()
	}
	return []error{err}
}

// unknownField is how the strict decoder names what it does not know.
var unknownField = regexp.MustCompile(`^unknown field "(.*)"$`)

func fieldOf(err error) string {
	if invalid, ok := errors.AsType[*field.Error](err); ok {
		return invalid.Field
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}

// same wants that the API server stores what the file holds: Argo CD would see any difference for ever. What is not written may differ
// in what is the cluster's to write.
func same(ix *index.Index, o *object.Object, stored map[string]any, report *judge.Report, at claims.At) {
	for _, path := range clusters(ix, o) {
		leave(o.Object, stored, path...)
	}
	if reflect.DeepEqual(o.Object, stored) {
		return
	}
	for _, d := range Differences(o.Object, stored) {
		report.At(o, object.Path(d.Path), at, "the API server would store another object: %s", d)
	}
}

// clusters are the fields that are not written and yet stored.
func clusters(ix *index.Index, o *object.Object) [][]string {
	if Embedded().Knows(o.GroupVersionKind()) {
		return nil
	}
	fields := [][]string{
		{"status"}, // the cluster's to write
		{"spec", "template", "spec", "serviceAccount"}, // the old name of serviceAccountName, which the server fills from it
	}
	if ix.Scaled(o) {
		fields = append(fields, []string{"spec", "replicas"}) // the autoscaler's; in Git it would undo what the autoscaler did
	}
	return fields
}

// leave removes a field from what is stored where it is not written. What is stored is ours alone.
func leave(written, stored map[string]any, path ...string) {
	if len(path) == 1 {
		if _, is := written[path[0]]; !is {
			delete(stored, path[0])
		}
		return
	}
	w, _ := written[path[0]].(map[string]any)
	s, _ := stored[path[0]].(map[string]any)
	if s != nil {
		leave(w, s, path[1:]...)
	}
}

// restricted asks Pod Security about every pod that the objects describe.
func restricted(ix *index.Index, report *judge.Report) error {
	for _, p := range ix.Pods {
		refusals, err := podsecurity.Refusals(&p.Template)
		if err != nil {
			return err
		}
		for _, text := range refusals {
			report.At(p.Object, p.Path("spec"), ix.SpecOf(p.Object), "Pod Security refuses its pods: %s", text)
		}
	}
	report.Count("pod templates", len(ix.Pods))
	return nil
}
