package emit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
)

// The parts of Grafana's dashboard JSON that we write. Grafana fills in the rest.
type (
	grafanaDashboard struct {
		UID           string            `json:"uid"`
		Title         string            `json:"title"`
		Tags          []string          `json:"tags"`
		Editable      bool              `json:"editable"`
		SchemaVersion int               `json:"schemaVersion"`
		Timezone      string            `json:"timezone"`
		Refresh       string            `json:"refresh"`
		Time          grafanaTime       `json:"time"`
		Templating    grafanaTemplating `json:"templating"`
		Panels        []grafanaPanel    `json:"panels"`
	}
	grafanaTime struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	grafanaTemplating struct {
		List []grafanaVariable `json:"list"`
	}
	grafanaVariable struct {
		Name       string         `json:"name"`
		Label      string         `json:"label"`
		Type       string         `json:"type"`
		Query      string         `json:"query"`
		Datasource *grafanaSource `json:"datasource,omitempty"`
		Refresh    int            `json:"refresh,omitempty"`
		IncludeAll bool           `json:"includeAll,omitempty"`
		Multi      bool           `json:"multi,omitempty"`
		AllValue   string         `json:"allValue,omitempty"`
	}
	grafanaSource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	grafanaPanel struct {
		ID          int             `json:"id"`
		Type        string          `json:"type"`
		Title       string          `json:"title"`
		GridPos     grafanaGrid     `json:"gridPos"`
		Datasource  *grafanaSource  `json:"datasource,omitempty"`
		FieldConfig *grafanaFields  `json:"fieldConfig,omitempty"`
		Targets     []grafanaTarget `json:"targets,omitempty"`
	}
	grafanaGrid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	grafanaFields struct {
		Defaults grafanaDefaults `json:"defaults"`
	}
	grafanaDefaults struct {
		Unit string `json:"unit"`
		Min  int    `json:"min"`
	}
	grafanaTarget struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	}
)

// Grafana lays panels on a grid 24 wide.
const (
	gridWidth   = 24
	panelHeight = 8
)

// prometheusSource is the data source that the viewer picks at the top of the dashboard.
var prometheusSource = &grafanaSource{Type: "prometheus", UID: "${datasource}"}

// chart is one curve per series of a query.
type chart struct{ title, unit, legend, expr string }

// chartRow is one line of the dashboard.
type chartRow struct {
	title  string
	charts []chart
}

// dashboardRows is the dashboard, from top to bottom.
func dashboardRows(env *model.Environment) []chartRow {
	rate := func(by, metric string, matchers ...string) string {
		return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", by, series(env, metric, append(matchers, picked)...))
	}
	all := func(metric string) string { return series(env, metric) }
	quantile := func(q string) string {
		return fmt.Sprintf("histogram_quantile(%s, %s)", q, rate("agent, le", metricGuardDuration+"_bucket"))
	}
	return []chartRow{
		{"Decisions", []chart{
			{"Decisions by verdict", "reqps", "{{verdict}}", rate("verdict", metricDecisions)},
			{"Calls by outcome", "reqps", "{{outcome}}", rate("outcome", metricGuardRequests)},
			{"Rejected calls", "reqps", "{{caller}} → {{agent}}", rate("caller, agent", metricGuardRequests, outcomeIs(outcomeRejected))},
		}},
		{"Latency", []chart{
			{"Half of the calls take less than", "s", "{{agent}}", quantile("0.5")},
			{"19 of 20 calls take less than", "s", "{{agent}}", quantile("0.95")},
		}},
		{"Escalations", []chart{
			{"Pending", "short", "pending", fmt.Sprintf("max(%s)", all(metricEscalationsPending))},
			{"Oldest", "s", "oldest", fmt.Sprintf("max(%s)", all(metricEscalationOldest))},
		}},
		{"Prefilter", []chart{
			{"Events by outcome", "eps", "{{outcome}}", fmt.Sprintf("sum by (outcome) (rate(%s[$__rate_interval]))", all(metricEvents))},
			{"Anomaly threshold (percentile)", "short", "{{class}}", fmt.Sprintf("max by (class) (%s)", all(metricAnomalyThreshold))},
		}},
		{"Agents", []chart{
			{"Failed calls", "percentunit", "{{agent}}", fmt.Sprintf("%s / %s",
				rate("agent", metricGuardRequests, outcomeIs(outcomeFailed)), rate("agent", metricGuardRequests, letThrough))},
			{"Refused calls", "reqps", "{{agent}}", rate("agent", metricGuardRequests, outcomeIs(outcomeRefused))},
			{"Open breakers", "short", "{{agent}} → {{endpoint}}", fmt.Sprintf("max by (agent, endpoint) (%s)", series(env, metricEndpointBreaker, picked))},
		}},
		{"Trust", []chart{
			{"Bundle in force", "short", "{{agent}}", fmt.Sprintf("min by (agent) (%s)", series(env, metricBundleSequence, picked))},
			{"Certificate ends in", "s", "{{agent}}", fmt.Sprintf("min by (agent) (%s)", series(env, metricCertificateExpiry, picked))},
			{"Audit log behind by", "s", "{{agent}}", fmt.Sprintf("max by (agent) (%s)", series(env, metricAuditLag, picked))},
		}},
	}
}

// picked narrows a query to the agents that the viewer picked.
const picked = promAgent + `=~"$agent"`

func dashboardJSON(env *model.Environment) ([]byte, error) {
	sum := sha256.Sum256([]byte(projectName(env)))
	return artifact.JSON(grafanaDashboard{
		UID:           "agents-" + hex.EncodeToString(sum[:])[:16], // Grafana takes at most 40 characters
		Title:         fmt.Sprintf("Agents of %s, %s", env.Fleet.Name, env.Name),
		Tags:          []string{"agentc", env.Fleet.Name, env.Name},
		SchemaVersion: 39,
		Timezone:      "utc",
		Refresh:       "30s",
		Time:          grafanaTime{From: "now-6h", To: "now"},
		Templating: grafanaTemplating{List: []grafanaVariable{
			{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"},
			{Name: "agent", Label: "Agent", Type: "query", Datasource: prometheusSource, Refresh: 2, IncludeAll: true, Multi: true, AllValue: ".*",
				Query: fmt.Sprintf("label_values(%s, %s)", series(env, "up"), promAgent)},
		}},
		Panels: layOut(dashboardRows(env)),
	})
}

// layOut places the rows below each other and the charts of a row side by side.
func layOut(rows []chartRow) []grafanaPanel {
	var panels []grafanaPanel
	y := 0
	for _, row := range rows {
		panels = append(panels, grafanaPanel{ID: len(panels) + 1, Type: "row", Title: row.title, GridPos: grafanaGrid{H: 1, W: gridWidth, Y: y}})
		width := gridWidth / len(row.charts)
		for i, c := range row.charts {
			panels = append(panels, grafanaPanel{
				ID:          len(panels) + 1,
				Type:        "timeseries",
				Title:       c.title,
				GridPos:     grafanaGrid{H: panelHeight, W: width, X: i * width, Y: y + 1},
				Datasource:  prometheusSource,
				FieldConfig: &grafanaFields{Defaults: grafanaDefaults{Unit: c.unit}},
				Targets:     []grafanaTarget{{RefID: "A", Expr: c.expr, LegendFormat: c.legend}},
			})
		}
		y += 1 + panelHeight
	}
	return panels
}
