package schemas

import (
	"errors"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"sync"

	"agentc/verify/defaults"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"
	"agentc/verify/podsecurity"

	kruntime "k8s.io/apimachinery/pkg/runtime"
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
	for i, problems := range set.all(ix, objects) {
		for _, p := range problems {
			report.At(objects[i], object.Path(p.Path), ix.SpecOf(objects[i]), "%s", p.Text)
		}
	}
	report.Count("objects", len(objects))
	return restricted(ix, report)
}

// all are the problems of each object. It asks for several at once: this is most of what a judge has to do.
func (s *Set) all(ix *index.Index, objects []*object.Object) [][]Problem {
	all := make([][]Problem, len(objects))
	var wait sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := worker; i < len(objects); i += runtime.GOMAXPROCS(0) {
				all[i] = s.one(ix, objects[i])
			}
		})
	}
	wait.Wait()
	return all
}

func (s *Set) one(ix *index.Index, o *object.Object) []Problem {
	ask := native
	if s.Knows(o.GroupVersionKind()) {
		ask = s.judge
	}
	stored, problems := ask(o)
	if len(problems) > 0 {
		return problems
	}
	return same(ix, o, stored)
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
	if strict, ok := kruntime.AsStrictDecodingError(err); ok {
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
func same(ix *index.Index, o *object.Object, stored map[string]any) []Problem {
	for _, path := range clusters(ix, o) {
		leave(o.Object, stored, path...)
	}
	if reflect.DeepEqual(o.Object, stored) {
		return nil
	}
	var problems []Problem
	for _, d := range Differences(o.Object, stored) {
		problems = append(problems, Problem{d.Path, "the API server would store another object: " + d.String()})
	}
	return problems
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
