package index

import (
	"strings"

	"agentc/verify/claims"
	"agentc/verify/object"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Pod is what an object says of the pods that it makes.
type Pod struct {
	Object   *object.Object
	Workload *claims.Workload // nil if nobody claims the object
	Template corev1.PodTemplateSpec
	path     []any
}

// templates are where Kubernetes' own kinds, and those made in their image, keep what they say of pods.
var templates = [][]any{
	{"spec", "template"},                        // Deployment and its kin
	{"spec", "jobTemplate", "spec", "template"}, // CronJob
	{"template"},                                // PodTemplate
	{},                                          // Pod
}

func podOf(o *object.Object) *Pod {
	for _, path := range templates {
		at := o.Object
		for _, step := range path {
			at, _ = at[step.(string)].(map[string]any)
		}
		spec, _ := at["spec"].(map[string]any)
		if _, is := spec["containers"].([]any); !is {
			continue
		}
		p := &Pod{Object: o, path: path}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(at, &p.Template) == nil {
			return p
		}
	}
	return nil
}

// Path is that of something below the template.
func (p *Pod) Path(steps ...any) []any { return append(p.path[:len(p.path):len(p.path)], steps...) }

// Container is one container of a pod and where it stands.
type Container struct {
	*corev1.Container
	Path []any
	Init bool
}

// Containers are all, in the order in which they start.
func (p *Pod) Containers() []Container {
	var all []Container
	spec := &p.Template.Spec
	for i := range spec.InitContainers {
		all = append(all, Container{&spec.InitContainers[i], p.Path("spec", "initContainers", i), true})
	}
	for i := range spec.Containers {
		all = append(all, Container{&spec.Containers[i], p.Path("spec", "containers", i), false})
	}
	return all
}

// Guarded is the container that holds the identity: the guard, or agentd itself. There is none where a pod lacks it.
func (p *Pod) Guarded() (Container, bool) {
	init := p.Workload != nil && p.Workload.Guard != ""
	for _, c := range p.Containers() {
		if c.Init == init {
			return c, true
		}
	}
	return Container{}, false
}

// Arguments are the values of a flag in the container's arguments, with where they stand.
func (c Container) Arguments(flag string) (values []string, paths [][]any) {
	for i, arg := range c.Args {
		if value, ok := strings.CutPrefix(arg, "--"+flag+"="); ok {
			values = append(values, value)
			paths = append(paths, append(c.Path[:len(c.Path):len(c.Path)], "args", i))
		} else if arg == "--"+flag || strings.HasPrefix(arg, "-"+flag+"=") || arg == "-"+flag {
			values = append(values, "") // in a form that nobody generates, so no value of it is the claimed one
			paths = append(paths, append(c.Path[:len(c.Path):len(c.Path)], "args", i))
		}
	}
	return values, paths
}
