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
)

const (
	canaryFile      = "agents.d/remediate.yaml"
	canaryNamespace = "soc-remediate"
	canaryName      = "remediate"
)

// canary is what the claims about it remember of each other.
type canary struct {
	running bool   // from the new image to the return in Git
	before  string // the stable image that the spec named
	stable  string // the image that runs
	next    string // the image that is tried
	began   time.Time
}

func canaryBegins(ctx context.Context, c *cluster) (string, error) {
	text, err := os.ReadFile(filepath.Join(c.spec.folder, canaryFile))
	if err != nil {
		return "", err
	}
	c.canary.before = regexp.MustCompile(`(?m)^      stable: (\S+)`).FindStringSubmatch(string(text))[1]
	c.canary.stable = regexp.MustCompile(`(?m)^  image: (\S+)`).FindStringSubmatch(string(text))[1]
	c.canary.next = anotherVersion(c.canary.stable)
	if err := c.errorRate("0.5"); err != nil {
		return "", err
	}
	if err := c.setImages(c.canary.next, c.canary.stable); err != nil {
		return "", err
	}
	c.canary.running, c.canary.began = true, time.Now()
	commit, err := c.converge(ctx, "remediate: a new image")
	if err != nil {
		return "", err
	}
	var running map[string]int
	err = eventually(ctx, time.Minute, func() error {
		if running, err = c.images(ctx, canaryNamespace); err != nil {
			return err
		}
		if running[c.canary.stable] == 0 || running[c.canary.next] == 0 {
			return fmt.Errorf("pods by image: %v", running)
		}
		runs, err := c.list(ctx, analysisRuns, canaryNamespace, "")
		if err == nil && len(runs) == 0 {
			return errors.New("there is no AnalysisRun")
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("commit %.8s: %d pod with the new image, %d with the stable one, an analysis runs", commit,
		running[c.canary.next], running[c.canary.stable]), nil
}

func (c *cluster) setImages(image, stable string) error {
	if err := c.spec.edit(canaryFile, `(?m)^  image: \S+`, "  image: "+image); err != nil {
		return err
	}
	return c.spec.edit(canaryFile, `(?m)^      stable: \S+`, "      stable: "+stable)
}

func anotherVersion(image string) string {
	name, _, _ := strings.Cut(image, "@")
	return name + "-e2e@sha256:" + strings.Repeat("e2", 32)
}

func (c *cluster) errorRate(share string) error {
	return os.WriteFile(filepath.Join(c.state, "error-rate"), []byte(share+"\n"), 0o644)
}

// images counts a namespace's running pods by the image of their agent.
func (c *cluster) images(ctx context.Context, namespace string) (map[string]int, error) {
	found, err := c.list(ctx, pods, namespace, "")
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for i := range found {
		if at(&found[i], "status.phase") == "Running" && found[i].GetDeletionTimestamp() == nil {
			out[agentImage(&found[i])]++
		}
	}
	return out, nil
}

func agentImage(pod *unstructured.Unstructured) string {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	for _, container := range containers {
		if m := container.(map[string]any); m["name"] == "agent" {
			return fmt.Sprint(m["image"])
		}
	}
	return ""
}

// canaryAborts waits for the analysis, which looks for the first time after two minutes and then every minute.
func canaryAborts(ctx context.Context, c *cluster) (string, error) {
	var rollout *unstructured.Unstructured
	err := eventually(ctx, 5*time.Minute, func() (err error) {
		rollout, err = c.get(ctx, rollouts, canaryNamespace, canaryName)
		if err == nil && at(rollout, "status.abort") != "true" {
			return errors.New("the Rollout is " + at(rollout, "status.phase") + ": " + at(rollout, "status.message"))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	aborted, err := time.Parse(time.RFC3339, at(rollout, "status.abortedAt"))
	if err != nil {
		return "", err
	}
	runs, err := c.list(ctx, analysisRuns, canaryNamespace, "")
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(runs, func(run unstructured.Unstructured) bool { return at(&run, "status.phase") == "Failed" }) {
		return "", errors.New("it aborted, but no AnalysisRun failed")
	}
	if log := c.component("log", "prometheus", "20"); !strings.Contains(log, "agentc_guard_requests_total") {
		return "", errors.New("nobody asked Prometheus for the guard's metrics:\n" + log)
	}
	onlyStable := func() error {
		running, err := c.images(ctx, canaryNamespace)
		if err == nil && (len(running) != 1 || running[c.canary.stable] != 2) {
			return fmt.Errorf("pods by image: %v", running)
		}
		return err
	}
	if err := eventually(ctx, time.Minute, onlyStable); err != nil {
		return "", err
	}
	replaced, err := c.deletePod(ctx, canaryNamespace)
	if err != nil {
		return "", err
	}
	err = eventually(ctx, time.Minute, func() error {
		if _, err := c.get(ctx, pods, canaryNamespace, replaced); !gone(err) {
			return fmt.Errorf("%s is still there", replaced)
		}
		return onlyStable()
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("aborted by itself %.0f s after it was published (AnalysisRun Failed); only the stable image runs; a pod of it that was deleted came back", aborted.Sub(c.canary.began).Seconds()), nil
}

func (c *cluster) deletePod(ctx context.Context, namespace string) (string, error) {
	found, err := c.list(ctx, pods, namespace, "")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no pod in %s: %w", namespace, err)
	}
	name := found[0].GetName()
	return name, c.objects.Resource(pods).Namespace(namespace).Delete(ctx, name, metav1.DeleteOptions{})
}

func canaryReverted(ctx context.Context, c *cluster) (string, error) {
	if err := c.errorRate("0"); err != nil {
		return "", err
	}
	if err := c.setImages(c.canary.stable, c.canary.before); err != nil {
		return "", err
	}
	c.canary.running = false
	began := time.Now()
	commit, err := c.converge(ctx, "remediate: back to what runs")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("commit %.8s: Synced and Healthy after %.0f s", commit, time.Since(began).Seconds()), nil
}
