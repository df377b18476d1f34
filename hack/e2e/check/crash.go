package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// survives changes the spec, publishes, kills the component while Argo CD applies it (the Git server while Argo CD reads), starts it
// again, and waits until the cluster is what was published.
func survives(component string, change func(*cluster) error) func(context.Context, *cluster) (string, error) {
	return func(ctx context.Context, c *cluster) (string, error) {
		if err := change(c); err != nil {
			return "", err
		}
		commit, err := c.publish(ctx, "while "+component+" is killed")
		if err != nil {
			return "", err
		}
		during := "before Argo CD had read the commit"
		if component != "git" {
			if during, err = c.duringSync(ctx, commit); err != nil {
				return "", err
			}
		}
		c.component("kill", component)
		killed := time.Now()
		time.Sleep(5 * time.Second)
		c.component("start", component)
		if err := eventually(ctx, 4*time.Minute, func() error { return c.applied(ctx, commit) }); err != nil {
			return "", err
		}
		return fmt.Sprintf("killed %s, started again after 5 s; Synced and Healthy at %.8s %.0f s after the kill", during, commit, time.Since(killed).Seconds()), nil
	}
}

// duringSync waits until Argo CD has applied a part of the commit.
func (c *cluster) duringSync(ctx context.Context, commit string) (string, error) {
	var during string
	err := eventually(ctx, time.Minute, func() error {
		app, err := c.get(ctx, applications, "argocd", application)
		if err != nil {
			return err
		}
		phase, revision := at(app, "status.operationState.phase"), at(app, "status.operationState.operation.sync.revision")
		if revision != commit || phase != "Running" {
			return errors.New("the operation is " + phase + " at " + revision)
		}
		done, _, _ := unstructured.NestedSlice(app.Object, "status", "operationState", "syncResult", "resources")
		if len(done) == 0 {
			return errors.New("nothing is applied yet")
		}
		during = fmt.Sprintf("when Argo CD had applied the first %d objects", len(done))
		return nil
	})
	return during, err
}
