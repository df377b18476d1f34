package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"agentc/verify/claims"
)

// Labels of a workload's objects and of its pods.
func (s *scope) Labels() map[string]string {
	labels := s.SharedLabels()
	labels["agents.d/agent"] = s.W.Name
	labels["app.kubernetes.io/name"] = s.W.Name
	labels["app.kubernetes.io/component"] = "runtime"
	if c := s.R.Card; c != nil {
		labels["app.kubernetes.io/component"] = "agent"
		labels["app.kubernetes.io/version"] = label(c.Version)
	}
	if s.R.Team != "" {
		labels["agents.d/team"] = s.R.Team
	}
	return labels
}

// SharedLabels are those of objects that stand for no workload.
func (s *scope) SharedLabels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/part-of": s.Env.Fleet, "app.kubernetes.io/managed-by": "agentc",
		"agents.d/fleet": s.Env.Fleet, "agents.d/environment": s.Env.Name,
	}
}

// label is a version as a label can hold it.
func label(version string) string {
	version = strings.ReplaceAll(version, "+", "_")
	return strings.TrimRight(version[:min(len(version), 63)], "._-")
}

// Selector finds the pods of the workload in its namespace.
func (s *scope) Selector() (string, error) {
	return quoted(map[string]string{"agents.d/agent": s.W.Name})
}

// metadata of an object.
type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func wave(n int) map[string]string {
	return map[string]string{"argocd.argoproj.io/sync-wave": strconv.Itoa(n)}
}

// Own is the metadata of an object of the workload.
func (s *scope) Own(name string, n int) (string, error) {
	m := metadata{name, s.W.Namespace, s.Labels(), wave(n)}
	if s.R.Team != "" {
		m.Annotations["agents.d/owner-email"] = s.R.Email
	}
	return quoted(m)
}

// Shared is the metadata of an object that stands for no workload.
func (s *scope) Shared(namespace, name string, n int) (string, error) {
	return quoted(metadata{name, namespace, s.SharedLabels(), wave(n)})
}

// Dashboard is the metadata by which Grafana finds it.
func (s *scope) Dashboard() (string, error) {
	m := metadata{s.joined("dashboard"), s.System.Namespace, s.SharedLabels(), wave(0)}
	m.Labels["grafana_dashboard"] = "1"
	return quoted(m)
}

// NamespaceMeta is the metadata of a Namespace, with what may run in it.
func (s *scope) NamespaceMeta() (string, error) {
	m := metadata{s.Namespace, "", s.SharedLabels(), wave(-3)}
	m.Labels["kubernetes.io/metadata.name"] = s.Namespace
	for mode, version := range map[string]string{"enforce": "v1.36", "warn": "latest", "audit": "latest"} {
		m.Labels["pod-security.kubernetes.io/"+mode] = "restricted"
		m.Labels["pod-security.kubernetes.io/"+mode+"-version"] = version
	}
	if s.IsSystem() {
		m.Annotations["argocd.argoproj.io/sync-options"] = "Delete=confirm,Prune=confirm"
		m.Annotations["agents.d/admitted"] = "agentd/agentd=" + s.W.Images[0]
		return quoted(m)
	}
	m.Labels["agents.d/team"] = s.R.Team
	var lines []string
	for _, w := range s.agents {
		lines = append(lines, admitted(w)...)
	}
	m.Annotations["agents.d/admitted"] = strings.Join(lines, "\n")
	return quoted(m)
}

func admitted(w *claims.Workload) []string {
	lines := []string{w.Account + "/guard=" + w.Guard, w.Account + "/agent=" + w.Images[0]}
	for _, image := range w.Images[1:] {
		if image != w.Images[0] {
			lines = append(lines, w.Account+"/agent="+image)
		}
	}
	return lines
}

// longest is how long the name of an object may be.
const longest = 63

// joined is the fleet's name with something behind it, cut where it would be too long for a name.
func (s *scope) joined(part string) string {
	whole := s.Env.Fleet + "-" + part
	if len(whole) <= longest {
		return whole
	}
	sum := sha256.Sum256([]byte(whole))
	tail := "-" + hex.EncodeToString(sum[:])[:8]
	return strings.TrimRight(whole[:longest-len(tail)], "-") + tail
}
