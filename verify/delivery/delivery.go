// Package delivery judges what Argo CD is told: who may deploy what and where, that every file is deployed by exactly one Application, and
// that within it the fence stands before what it fences in.
package delivery

import (
	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"
)

// argo is the group of Argo CD's own kinds.
const argo = "argoproj.io"

// judging is one environment while it is judged.
type judging struct {
	*judge.Report
	env     *judge.Environment
	index   *index.Index
	claimed *claims.Delivery
	project *object.Object // nil if there is none
	shares  []*share
}

// Judge compares the delivery objects with the claims, and with the manifests that they deploy.
func Judge(env *judge.Environment, report *judge.Report) error {
	j := &judging{Report: report, env: env, index: index.Of(env), claimed: &env.Environment.Delivery}
	for _, o := range env.Delivery {
		j.object(o)
	}
	if j.project == nil {
		j.Missing(env.Folder+"delivery/project.yaml", j.claimed.At, "there is no AppProject: nothing bounds what is deployed")
	}
	j.applications()
	j.files()
	j.kinds()
	j.waves()
	report.Count("deliveries", len(env.Sizes))
	return nil
}

// object sorts out what the platform's root application would apply. It has all of Argo CD's rights, so nothing else may lie there.
func (j *judging) object(o *object.Object) {
	gvk := o.GroupVersionKind()
	switch {
	case gvk.Group == argo && gvk.Kind == "AppProject" && j.project == nil:
		j.project = o
		j.bounds(o)
	case gvk.Group == argo && gvk.Kind == "AppProject":
		j.At(o, []any{"kind"}, j.claimed.At, "is a second AppProject, beside %s", j.project)
	case gvk.Group == argo && gvk.Kind == "Application":
		j.shares = append(j.shares, &share{object: o})
	default:
		j.At(o, []any{"kind"}, j.claimed.At, "is neither an AppProject nor an Application, and would be applied with all of Argo CD's rights")
		return
	}
	if o.GetNamespace() != j.claimed.Namespace {
		j.At(o, []any{"metadata", "namespace"}, j.claimed.At, "is in the namespace %q, not in Argo CD's, %q", o.GetNamespace(), j.claimed.Namespace)
	}
	if len(o.GetFinalizers()) > 0 {
		j.At(o, []any{"metadata", "finalizers"}, j.claimed.At, "has a finalizer: when it goes, by mistake too, every agent goes with it")
	}
	j.annotations(o, map[string]string{wave: "", "argocd.argoproj.io/compare-options": "ServerSideDiff=true"})
}
