package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"agentc/verify/claims"
)

// What the templates can call. Each writes JSON, which YAML reads: no text of the spec can become more than a value.
var functions = template.FuncMap{
	"json":    quoted,
	"decimal": func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) },
	"tmp":     tmp,
	"probe":   probe,
	"agentProbe": func(p claims.Probe) (string, error) {
		return probe("/agent"+p.Path, p.PeriodSeconds, p.TimeoutSeconds, p.Failures)
	},
	"cel":      cel,
	"service":  service,
	"headless": headless,
}

// quoted is JSON without characters that YAML does not read.
func quoted(value any) (string, error) {
	data, err := json.Marshal(value)
	var b strings.Builder
	for _, r := range string(data) {
		if r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String(), err
}

// tmp is an empty folder as large as a container's limit.
func tmp(r claims.Resources) (string, error) {
	dir := map[string]string{}
	if limit := r.Limits["ephemeral-storage"]; limit != "" {
		dir["sizeLimit"] = limit
	}
	return quoted(dir)
}

func probe(path string, period, timeout int64, failures int32) (string, error) {
	return quoted(map[string]any{
		"httpGet":       map[string]any{"path": path, "port": 8081, "scheme": "HTTP"},
		"periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures, "successThreshold": 1,
	})
}

func service(workload, port string, number int32) (string, error) {
	return quoted(serviceSpec(workload, port, number))
}

func serviceSpec(workload, port string, number int32) map[string]any {
	return map[string]any{
		"type": "ClusterIP", "selector": map[string]string{"agents.d/agent": workload},
		"ports":           []any{map[string]any{"name": port, "protocol": "TCP", "port": number, "targetPort": port}},
		"sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack",
	}
}

// headless gives each pod a name.
func headless(workload, port string, number int32) (string, error) {
	spec := serviceSpec(workload, port, number)
	spec["clusterIP"], spec["clusterIPs"] = "None", []string{"None"}
	return quoted(spec)
}
