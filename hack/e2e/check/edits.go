package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func edgeRemoved(ctx context.Context, c *cluster) (string, error) {
	mentions := func(namespace, agent, direction, other string) (bool, error) {
		policy, err := c.get(ctx, ciliumRules, namespace, agent)
		if err != nil {
			return false, err
		}
		return strings.Contains(at(policy, "spec."+direction), other), nil
	}
	both := func() (out [2]bool, err error) {
		if out[0], err = mentions("soc-remediate", "remediate", "egress", "soc-notify"); err != nil {
			return out, err
		}
		out[1], err = mentions("soc-notify", "notify", "ingress", "soc-remediate")
		return out, err
	}
	before, err := both()
	if err != nil || before != [2]bool{true, true} {
		return "", fmt.Errorf("before: %v %w", before, err)
	}
	if err := c.spec.edit("agents.d/remediate.yaml", `(?m)^  requests:\n    - to: notify\n      skills: \[post-message\]\n`, ""); err != nil {
		return "", err
	}
	if err := c.spec.edit("agents.d/notify.yaml", `(?m)^    - from: remediate\n      skills: \[post-message\]\n`, ""); err != nil {
		return "", err
	}
	commit, err := c.converge(ctx, "remediate no longer writes to notify")
	if err != nil {
		return "", err
	}
	after, err := both()
	if err != nil || after != [2]bool{} {
		return "", fmt.Errorf("after: %v %w", after, err)
	}
	return fmt.Sprintf("commit %.8s: remediate's egress and notify's ingress no longer name each other", commit), nil
}

// changeImage is of an agent without a canary.
func changeImage(c *cluster) error {
	text, err := os.ReadFile(filepath.Join(c.spec.folder, "agents.d/notify.yaml"))
	if err != nil {
		return err
	}
	c.notify.old = regexp.MustCompile(`(?m)^  image: (\S+)`).FindStringSubmatch(string(text))[1]
	c.notify.next = anotherVersion(c.notify.old)
	return c.spec.edit("agents.d/notify.yaml", `(?m)^  image: \S+`, "  image: "+c.notify.next)
}

func imageChanged(ctx context.Context, c *cluster) (string, error) {
	old, next := c.notify.old, c.notify.next
	err := eventually(ctx, 30*time.Second, func() error {
		running, err := c.images(ctx, "soc-notify")
		if err == nil && (len(running) != 1 || running[next] == 0) {
			return fmt.Errorf("pods by image: %v", running)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	// Even Argo CD cannot bring the old one back, other than with the namespace's own list of what it admits. (Not a dry run: a policy
	// may let those of Argo CD's pass. Were it admitted, Argo CD would undo it.)
	argo, err := c.as(argoManager)
	if err != nil {
		return "", err
	}
	live, err := c.get(ctx, deployments, "soc-notify", "notify")
	if err != nil {
		return "", err
	}
	containers, _, _ := unstructured.NestedSlice(live.Object, "spec", "template", "spec", "containers")
	containers[0].(map[string]any)["image"] = old
	if err := unstructured.SetNestedSlice(live.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		return "", err
	}
	_, err = argo.Resource(deployments).Namespace("soc-notify").Update(ctx, live, metav1.UpdateOptions{})
	if err == nil || !strings.Contains(err.Error(), "soc-workloads") {
		return "", fmt.Errorf("the old image is not refused by soc-workloads: %v", err)
	}
	return "only the new image runs; soc-workloads refuses the old one, to Argo CD as well", nil
}

const addedAgent = "scribe"

func addAgent(c *cluster) error {
	text := `apiVersion: agents.d/v1alpha1
kind: Agent
metadata:
  name: ` + addedAgent + `
spec:
  team: ai
  description: Writes the minutes.
  image: registry.soc.example/agents/scribe:1.0.0@sha256:` + strings.Repeat("5c", 32) + `
  card:
    version: "1.0.0"
    skills:
      - id: take-minutes
        name: Take minutes
        description: Writes down what was done.
        tags: [notification]
        risk: low
  accepts:
    - from: coordinator
      skills: [take-minutes]
  workload:
    timeouts:
      request: 20s
      shutdown: 30s
`
	if err := os.WriteFile(filepath.Join(c.spec.folder, "agents.d", addedAgent+".yaml"), []byte(text), 0o644); err != nil {
		return err
	}
	return c.spec.edit("agents.d/coordinator.yaml", `(?m)^  requests:\n`, "  requests:\n    - to: scribe\n      skills: [take-minutes]\n")
}

func removeAgent(c *cluster) error {
	if err := os.Remove(filepath.Join(c.spec.folder, "agents.d", addedAgent+".yaml")); err != nil {
		return err
	}
	return c.spec.edit("agents.d/coordinator.yaml", `(?m)^    - to: scribe\n      skills: \[take-minutes\]\n`, "")
}

// nothingLeft asks every kind that the API server lists, in the agent's namespace and by the agent's label anywhere.
func nothingLeft(ctx context.Context, c *cluster) (string, error) {
	namespace := "soc-" + addedAgent
	err := eventually(ctx, time.Minute, func() error {
		_, err := c.get(ctx, namespaces, "", namespace)
		if gone(err) {
			return nil
		}
		return fmt.Errorf("namespace %s is still there (%v)", namespace, err)
	})
	if err != nil {
		return "", err
	}
	c.discovery.Invalidate()
	lists, err := c.discovery.ServerPreferredResources()
	if err != nil {
		return "", err
	}
	var left []string
	kinds := 0
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return "", err
		}
		for _, kind := range list.APIResources {
			if !slices.Contains(kind.Verbs, "list") || version.Group == "metrics.k8s.io" {
				continue
			}
			kinds++
			found, err := c.list(ctx, version.WithResource(kind.Name), "", "")
			if err != nil {
				return "", fmt.Errorf("%s: %w", kind.Name, err)
			}
			for _, u := range found {
				if u.GetNamespace() == namespace || u.GetLabels()[agentLabel] == addedAgent {
					left = append(left, u.GetKind()+" "+u.GetNamespace()+"/"+u.GetName())
				}
			}
		}
	}
	if len(left) > 0 {
		return "", errors.New("left: " + strings.Join(left, ", "))
	}
	return fmt.Sprintf("its namespace is gone, and none of %d kinds has an object there or with its label", kinds), nil
}
