package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	application = "soc-dev"
	fleetLabel  = "agents.d/fleet=soc"
	agentLabel  = "agents.d/agent"
)

// cluster is what the claims look at, and with.
type cluster struct {
	state     string // the folder of this run
	config    *rest.Config
	discovery discovery.CachedDiscoveryInterface
	objects   dynamic.Interface
	kinds     *restmapper.DeferredDiscoveryRESTMapper
	spec      spec
	canary    canary
	notify    struct{ old, next string } // images
}

func connect() (*cluster, error) {
	state := os.Getenv("E2E_STATE")
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(state, "kubeconfig/admin"))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 400
	config.WarningHandler = rest.NoWarnings{}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(found)
	return &cluster{
		state: state, config: config, objects: objects, discovery: cached,
		kinds: restmapper.NewDeferredDiscoveryRESTMapper(cached),
		spec:  spec{folder: filepath.Join(state, "spec")},
	}, nil
}

// as is the cluster as somebody else sees it.
func (c *cluster) as(user string) (dynamic.Interface, error) {
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	return dynamic.NewForConfig(config)
}

func (c *cluster) mapping(kind schema.GroupVersionKind) (schema.GroupVersionResource, bool, error) {
	m, err := c.kinds.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return schema.GroupVersionResource{}, false, err
	}
	return m.Resource, m.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

func resource(group, version, plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
}

var (
	applications = resource("argoproj.io", "v1alpha1", "applications")
	rollouts     = resource("argoproj.io", "v1alpha1", "rollouts")
	analysisRuns = resource("argoproj.io", "v1alpha1", "analysisruns")
	certificates = resource("cert-manager.io", "v1", "certificates")
	ciliumRules  = resource("cilium.io", "v2", "ciliumnetworkpolicies")
	deployments  = resource("apps", "v1", "deployments")
	budgets      = resource("policy", "v1", "poddisruptionbudgets")
	namespaces   = resource("", "v1", "namespaces")
	pods         = resource("", "v1", "pods")
	secrets      = resource("", "v1", "secrets")
	services     = resource("", "v1", "services")
)

func (c *cluster) get(ctx context.Context, r schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	return c.objects.Resource(r).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
}

// list is what there is of a kind; an empty namespace means all of them.
func (c *cluster) list(ctx context.Context, r schema.GroupVersionResource, namespace, selector string) ([]unstructured.Unstructured, error) {
	found, err := c.objects.Resource(r).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return found.Items, nil
}

// eventually asks until there is no objection any more, and returns the last one if time is over.
func eventually(ctx context.Context, limit time.Duration, ask func() error) error {
	end := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("after %s: %w", limit, err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func at(u *unstructured.Unstructured, path string) string {
	fields := strings.Split(path, ".")
	value, found, err := unstructured.NestedFieldNoCopy(u.Object, fields...)
	if err != nil || !found || value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// component starts, kills or reads the log of one process of the cluster.
func (c *cluster) component(what, name string, rest ...string) string {
	out, err := exec.Command("./component.sh", append([]string{what, name}, rest...)...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v", out, err)
	}
	return string(out)
}

// applied is what Argo CD says of a commit: nil once it is Synced and all is Healthy, but for a canary that is on its way.
func (c *cluster) applied(ctx context.Context, commit string) error {
	app, err := c.get(ctx, applications, "argocd", application)
	if err != nil {
		return err
	}
	status := fmt.Sprintf("%s at %.8s, last operation %s, %s", at(app, "status.sync.status"), at(app, "status.sync.revision"),
		at(app, "status.operationState.phase"), at(app, "status.health.status"))
	complaints := c.complaints(app)
	switch {
	case at(app, "status.sync.revision") != commit:
		status += fmt.Sprintf(", want %.8s", commit)
	case at(app, "status.sync.status") != "Synced", at(app, "status.operationState.phase") != "Succeeded":
	case at(app, "status.operationState.syncResult.revision") != commit:
		status += fmt.Sprintf(", but the last sync was of %.8s", at(app, "status.operationState.syncResult.revision"))
	case complaints != "":
	case !c.canary.running && at(app, "status.health.status") != "Healthy":
	default:
		return nil
	}
	return errors.New(status + complaints)
}

// complaints says what Argo CD has against which object.
func (c *cluster) complaints(app *unstructured.Unstructured) string {
	var out strings.Builder
	if message := at(app, "status.operationState.message"); message != "" && at(app, "status.operationState.phase") != "Succeeded" {
		fmt.Fprintf(&out, "\n%.600s", message)
	}
	resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	for _, r := range resources {
		u := &unstructured.Unstructured{Object: r.(map[string]any)}
		health := at(u, "health.status")
		if c.canary.running && at(u, "kind") == "Rollout" && at(u, "name") == canaryName {
			health = ""
		}
		if at(u, "status") != "Synced" || (health != "Healthy" && health != "") {
			fmt.Fprintf(&out, "\n%s %s/%s: %s %s %s", at(u, "kind"), at(u, "namespace"), at(u, "name"), at(u, "status"), health, at(u, "health.message"))
		}
	}
	conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
	for _, condition := range conditions {
		u := &unstructured.Unstructured{Object: condition.(map[string]any)}
		fmt.Fprintf(&out, "\n%s: %.600s", at(u, "type"), at(u, "message"))
	}
	return out.String()
}

// refresh asks Argo CD to look at once instead of in some seconds; hard also forgets what the repo server rendered.
func (c *cluster) refresh(ctx context.Context, how string) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"argocd.argoproj.io/refresh":%q}}}`, how)
	_, err := c.objects.Resource(applications).Namespace("argocd").Patch(ctx, application, "application/merge-patch+json", []byte(patch), metav1.PatchOptions{})
	return err
}

func gone(err error) bool { return apierrors.IsNotFound(err) }
