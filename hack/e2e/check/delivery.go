package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

func published(ctx context.Context, c *cluster) (string, error) {
	if err := c.spec.create(filepath.Join(c.state, "pki/fleet.crt")); err != nil {
		return "", err
	}
	if out, err := exec.Command("agentc", "key", "new", "--out", filepath.Join(c.state, "seal.pem"), "--id", "publisher").CombinedOutput(); err != nil {
		return "", fmt.Errorf("agentc key new: %s%w", out, err)
	}
	commit, err := c.pushFirst(ctx)
	if err != nil {
		return "", err
	}
	if err := eventually(ctx, 3*time.Minute, func() error { return c.applied(ctx, commit) }); err != nil {
		return "", err
	}
	app, err := c.get(ctx, applications, "argocd", application)
	if err != nil {
		return "", err
	}
	resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	running, err := c.list(ctx, pods, "", fleetLabel)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("commit %.8s: %d objects Synced, all Healthy, %d pods of the fleet", commit, len(resources), len(running)), nil
}

// pushFirst publishes to the empty repository, and applies the delivery objects, which is the platform's own root application's job.
func (c *cluster) pushFirst(ctx context.Context) (string, error) {
	commit, err := c.push(ctx)
	if err != nil {
		return "", err
	}
	for _, file := range []string{"project", "applications"} {
		shown, err := exec.Command("git", "--git-dir", filepath.Join(c.state, "git/soc/agents.git"), "show",
			"main:generated/dev/delivery/"+file+".yaml").Output()
		if err != nil {
			return "", err
		}
		apply := exec.Command("kubectl", "apply", "--server-side", "-f", "-")
		apply.Stdin = strings.NewReader(string(shown))
		if out, err := apply.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %s%w", file, out, err)
		}
	}
	return commit, nil
}

// noDifference compares the generations of all that Argo CD manages: they count the changes of what was asked for, by anybody.
func noDifference(ctx context.Context, c *cluster) (string, error) {
	before, err := c.generations(ctx)
	if err != nil {
		return "", err
	}
	app, err := c.get(ctx, applications, "argocd", application)
	if err != nil {
		return "", err
	}
	operations := at(app, "status.operationState.finishedAt")
	began := time.Now()
	for range 2 { // the second finds whatever the first would have changed
		if err := c.refresh(ctx, "hard"); err != nil {
			return "", err
		}
		asked := time.Now()
		err := eventually(ctx, time.Minute, func() error {
			app, err = c.get(ctx, applications, "argocd", application)
			if err != nil {
				return err
			}
			looked, _ := time.Parse(time.RFC3339, at(app, "status.reconciledAt"))
			if app.GetAnnotations()["argocd.argoproj.io/refresh"] != "" || looked.Before(asked.Truncate(time.Second)) {
				return errors.New("Argo CD has not looked yet")
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	if at(app, "status.sync.status") != "Synced" || at(app, "status.health.status") != "Healthy" {
		return "", errors.New(at(app, "status.sync.status") + ", " + at(app, "status.health.status") + c.complaints(app))
	}
	if now := at(app, "status.operationState.finishedAt"); now != operations {
		return "", fmt.Errorf("Argo CD synced again: %s, before %s", now, operations)
	}
	after, err := c.generations(ctx)
	if err != nil {
		return "", err
	}
	for name, generation := range before {
		if after[name] != generation {
			return "", fmt.Errorf("%s went from generation %d to %d", name, generation, after[name])
		}
	}
	return fmt.Sprintf("two hard refreshes in %.0f s: Synced, no further operation, %d objects as they were", time.Since(began).Seconds(), len(before)), nil
}

// managed is what Argo CD says that it manages.
func (c *cluster) managed(ctx context.Context) ([]*unstructured.Unstructured, error) {
	app, err := c.get(ctx, applications, "argocd", application)
	if err != nil {
		return nil, err
	}
	resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	var out []*unstructured.Unstructured
	for _, r := range resources {
		u := &unstructured.Unstructured{Object: r.(map[string]any)}
		kind := unstructured.Unstructured{}
		kind.SetAPIVersion(strings.TrimPrefix(at(u, "group")+"/"+at(u, "version"), "/"))
		kind.SetKind(at(u, "kind"))
		mapped, _, err := c.mapping(kind.GroupVersionKind())
		if err != nil {
			return nil, err
		}
		live, err := c.get(ctx, mapped, at(u, "namespace"), at(u, "name"))
		if err != nil {
			return nil, err
		}
		out = append(out, live)
	}
	return out, nil
}

func (c *cluster) generations(ctx context.Context) (map[string]int64, error) {
	objects, err := c.managed(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, u := range objects {
		out[u.GetKind()+" "+u.GetNamespace()+"/"+u.GetName()] = u.GetGeneration()
	}
	return out, nil
}

// driftUndone makes changes that admission allows: it protects the rest from being changed at all.
func driftUndone(ctx context.Context, c *cluster) (string, error) {
	began := time.Now()
	old, err := c.get(ctx, budgets, "soc-analyse", "analyse")
	if err != nil {
		return "", err
	}
	if err := c.objects.Resource(budgets).Namespace("soc-analyse").Delete(ctx, "analyse", metav1.DeleteOptions{}); err != nil {
		return "", err
	}
	patch := []byte(`{"spec":{"ports":[{"port":8443,"targetPort":9999}]}}`)
	if _, err := c.objects.Resource(services).Namespace("soc-analyse").Patch(ctx, "analyse", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return "", err
	}
	scale := []byte(`{"spec":{"replicas":3}}`)
	if _, err := c.objects.Resource(deployments).Namespace("soc-notify").Patch(ctx, "notify", types.MergePatchType, scale, metav1.PatchOptions{}); err != nil {
		return "", err
	}
	err = eventually(ctx, 90*time.Second, func() error {
		budget, err := c.get(ctx, budgets, "soc-analyse", "analyse")
		if err != nil {
			return err
		}
		service, err := c.get(ctx, services, "soc-analyse", "analyse")
		if err != nil {
			return err
		}
		deployment, err := c.get(ctx, deployments, "soc-notify", "notify")
		if err != nil {
			return err
		}
		switch {
		case budget.GetUID() == old.GetUID():
			return errors.New("the budget was not deleted")
		case strings.Contains(at(service, "spec.ports"), "9999"):
			return errors.New("the Service still has the other port")
		case at(deployment, "spec.replicas") != "1":
			return errors.New("the Deployment still has " + at(deployment, "spec.replicas") + " replicas")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("a deleted PodDisruptionBudget, a Service's port and a Deployment's replicas were back after %.0f s", time.Since(began).Seconds()), nil
}
