package main

import (
	"bytes"
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// TestGeneratedFlags: what the compiler writes as agentd's command line, agentd takes.
func TestGeneratedFlags(t *testing.T) {
	for _, env := range []string{"dev", "prod"} {
		text, err := os.ReadFile("../../generated/" + env + "/manifests/soc-system/agentd.yaml")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, document := range bytes.Split(text, []byte("\n---\n")) {
			var s appsv1.StatefulSet
			if err := yaml.Unmarshal(document, &s); err != nil || s.Kind != "StatefulSet" {
				continue
			}
			found = true
			args := s.Spec.Template.Spec.Containers[0].Args
			if len(args) < 10 || args[0] != "serve" {
				t.Fatalf("%s: %q", env, args)
			}
			var f flags
			if err := f.command().ParseFlags(args[1:]); err != nil {
				t.Errorf("%s: %v", env, err)
			}
			if err := f.check(); err != nil {
				t.Errorf("%s: %v", env, err)
			}
		}
		if !found {
			t.Errorf("%s has no StatefulSet", env)
		}
	}
}
