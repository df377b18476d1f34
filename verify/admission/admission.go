// Package admission judges the admission layer: Kyverno's own engine, with the rendered policies in it, must admit everything that was
// rendered and refuse a catalogue of rogues made of it, each by the policy that is there for it.
//
// Rogues begin with what is rendered and differ from it in one thing, so that nothing but this one thing can be the reason of a refusal. The
// whole catalogue is tried on one workload of each shape: what is rendered for it, but for names, images, values and quantities (workload.shape). What a policy
// says of another workload of that shape depends on its names, its images and its namespace alone; on every other workload those rogues are
// tried that have to do with these (TestEveryWorkload).
package admission

import (
	"fmt"
	"runtime"
	"strings"
	"sync"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
)

// Judge asks Kyverno about everything rendered, and about what nobody rendered.
func Judge(env *judge.Environment, report *judge.Report) error { return run(env, report, false) }

func run(env *judge.Environment, report *judge.Report, everything bool) error {
	k := newKyverno(env, report)
	t := &trial{env: env, report: report, kyverno: k, index: index.Of(env), images: k.namedImages()}
	var tasks []func() error
	for _, o := range env.Manifests {
		tasks = append(tasks, func() error { return t.admits(o) })
	}
	shapes := map[string]bool{}
	all := t.workloads()
	for _, w := range all {
		tasks = append(tasks, func() error { return t.pods(w) })
		whole := everything || !shapes[w.shape()]
		shapes[w.shape()] = true
		tasks = append(tasks, func() error { return t.rogues(w, whole) })
	}
	tasks = append(tasks, t.lists(all)...)
	tasks = append(tasks, t.others()...)
	if len(all) > 0 {
		tasks = append(tasks, t.exempted(all[0])...)
	}
	err := concurrently(tasks)
	k.reportSilent(env, report)
	return err
}

// concurrently runs tasks on every core, and returns the first failure.
func concurrently(tasks []func() error) error {
	work := make(chan func() error)
	var once sync.Once
	var failed error
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for task := range work {
				if err := judge.Guard(task); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for _, task := range tasks {
		work <- task
	}
	close(work)
	wait.Wait()
	return failed
}

// trial is one run over one environment.
type trial struct {
	env     *judge.Environment
	kyverno *kyverno
	index   *index.Index
	images  []string // that the policies speak of

	lock   sync.Mutex
	report *judge.Report
}

func (t *trial) count(what string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.report.Count(what, 1)
}

func (t *trial) at(o *object.Object, path []any, spec claims.At, format string, args ...any) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.report.At(o, path, spec, format, args...)
}

// lacks is the label by which a policy should know a rendered object, and does not.
func (t *trial) lacks(o *object.Object, policy string) string {
	if o == nil {
		return ""
	}
	key, value := "app.kubernetes.io/managed-by", "agentc"
	if policy == t.env.Fleet+"-namespaces" {
		key, value = "agents.d/fleet", t.env.Fleet
	}
	if o.GetLabels()[key] == value {
		return ""
	}
	return key + "=" + value
}

// admits wants an object let in when Argo CD makes it, and when Argo CD leaves it as it is.
func (t *trial) admits(o *object.Object) error {
	t.count("objects admitted")
	for _, r := range []request{
		{user: t.env.Environment.Delivery.Applier, operation: admissionv1.Create, object: &o.Unstructured},
		{user: t.env.Environment.Delivery.Applier, operation: admissionv1.Update, object: &o.Unstructured, old: &o.Unstructured},
	} {
		if err := t.admitted(r, o, "the object as it is rendered"); err != nil {
			return err
		}
	}
	return nil
}

// admitted reports every policy that refuses what ought to be let in.
func (t *trial) admitted(r request, about *object.Object, what string) error {
	verdicts, err := t.kyverno.ask(r)
	if err != nil {
		return fmt.Errorf("%s: %w", about, err)
	}
	for _, v := range verdicts {
		if v.refuses() {
			t.at(about, nil, t.index.SpecOf(about), "is refused by the policy %s: %s: %s", v.policy, what, v.message)
		}
	}
	return nil
}

// refused reports a rogue that the policy which ought to does not refuse.
func (t *trial) refused(r request, w *workload, name, policy string) error {
	t.count("rogues refused")
	policy = t.env.Fleet + "-" + policy
	verdicts, err := t.kyverno.ask(r, policy) // each policy that is asked reads the whole request anew
	if err != nil {
		return fmt.Errorf("rogue %s: %w", name, err)
	}
	if len(verdicts) == 1 && verdicts[0].status == "fail" || t.kyverno.isSilent(policy) {
		return nil
	}
	if verdicts, err = t.kyverno.ask(r); err != nil {
		return fmt.Errorf("rogue %s: %w", name, err)
	}
	said, others := "does not look at it", "nobody refuses it"
	for _, v := range verdicts {
		switch {
		case v.policy == policy && v.status == "fail":
			return nil
		case v.policy == policy:
			said = "says " + v.status + " " + v.message
		case v.refuses():
			others = v.policy + " refuses it"
		}
	}
	at, of := t.env.At, ""
	if w != nil {
		at, of = w.At, " of "+w.Name
	}
	what := fmt.Sprintf("the rogue %q%s (%s %s)", name, of, r.operation, r.subject().GetKind())
	if label := t.lacks(r.from, policy); label != "" {
		t.at(r.from, []any{"metadata", "labels"}, at, "is not protected by the policy %s, which knows what belongs to the fleet by the label %s: nothing refuses %s", policy, label, what)
		return nil
	}
	if o := t.kyverno.objects[policy]; o != nil {
		t.at(o, []any{"spec"}, at, "should refuse %s, and %s; %s", what, strings.TrimSpace(said), others)
		return nil
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.report.Missing(t.env.Folder+"manifests/cluster.yaml", at, "there is no policy %s, which should refuse %s; %s", policy, what, others)
	return nil
}
