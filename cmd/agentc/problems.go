package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"agentc/compiler"
	"agentc/schema"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// formats in which problems are printed.
var formats = []string{"text", "json", "sarif", "github"}

// print writes problems to stderr; as JSON or SARIF to stdout, complete even when there are none, since a program reads it.
func (o *options) print(cmd *cobra.Command, problems []schema.Problem) error {
	switch o.format {
	case "json":
		return writeJSON(cmd.OutOrStdout(), jsonProblems(problems))
	case "sarif":
		return writeJSON(cmd.OutOrStdout(), newSARIF(problems))
	case "github":
		for _, p := range problems {
			fmt.Fprintf(cmd.ErrOrStderr(), "::%s file=%s,line=%d,col=%d,title=%s::%s\n",
				p.Severity, githubProperty(p.File), p.Line, p.Column, p.Rule, githubEscape(p.Message+specLine(p)))
		}
	default:
		printText(cmd.ErrOrStderr(), problems)
	}
	return nil
}

func printText(w io.Writer, problems []schema.Problem) {
	red, yellow, faint, off := "", "", "", ""
	if isTerminal(w) && os.Getenv("NO_COLOR") == "" {
		red, yellow, faint, off = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
	}
	errs, warnings := 0, 0
	for _, p := range problems {
		colour := red
		errs++
		if p.Severity == schema.Warning {
			colour = yellow
			errs--
			warnings++
		}
		p.File = printable(p.File)
		fmt.Fprintf(w, "%s: %s%s:%s %s %s[%s]%s\n", p.Position, colour, p.Severity, off, p.Message+specLine(p), faint, p.Rule, off)
	}
	if len(problems) > 0 {
		page := "docs/rules.md explains each rule"
		if slices.ContainsFunc(problems, func(p schema.Problem) bool { return strings.HasPrefix(p.Rule, layerRule) }) {
			page = "docs/verify.md explains the layers"
		}
		fmt.Fprintf(w, "%s, %s; %s\n", count(errs, "error"), count(warnings, "warning"), page)
	}
}

// specLine leads from a problem of a generated file to the spec.
func specLine(p schema.Problem) string {
	if p.Spec == (schema.Position{}) {
		return ""
	}
	return "; the spec: " + p.Spec.String()
}

// count writes "1 error" or "3 errors".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// isTerminal says whether a person reads along.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// githubEscape writes a message of a workflow command: it ends at a line break.
var githubEscape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace

// githubProperty writes a value before the message: it also ends at a comma or a colon.
var githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace

// printable takes from a file's name what would move a terminal's cursor or begin a line.
func printable(file string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, file)
}

type jsonProblem struct {
	File     string          `json:"file"`
	Line     int             `json:"line"`
	Column   int             `json:"column"`
	Severity schema.Severity `json:"severity"`
	Message  string          `json:"message"`
	Rule     string          `json:"rule"`
	Spec     *jsonPosition   `json:"spec,omitempty"` // of a problem of a generated file
}

type jsonPosition struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func jsonProblems(problems []schema.Problem) []jsonProblem {
	out := []jsonProblem{}
	for _, p := range problems {
		j := jsonProblem{p.File, p.Line, p.Column, p.Severity, p.Message, p.Rule, nil}
		if p.Spec != (schema.Position{}) {
			j.Spec = &jsonPosition{p.Spec.File, p.Spec.Line, p.Spec.Column}
		}
		out = append(out, j)
	}
	return out
}

// sarif is the part of SARIF 2.1.0 that code scanning reads.
type sarif struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"driver"`
	} `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	Level     schema.Severity `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
	Related   []sarifLocation `json:"relatedLocations,omitempty"` // the line of the spec
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			Line   int `json:"startLine"`
			Column int `json:"startColumn"`
		} `json:"region"`
	} `json:"physicalLocation"`
}

func newSARIF(problems []schema.Problem) *sarif {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver.Name, run.Tool.Driver.Version = "agentc", compiler.Version
	for _, p := range problems {
		result := sarifResult{p.Rule, p.Severity, sarifText{p.Message}, []sarifLocation{sarifAt(p.Position)}, nil}
		if p.Spec != (schema.Position{}) {
			result.Related = []sarifLocation{sarifAt(p.Spec)}
		}
		run.Results = append(run.Results, result)
	}
	return &sarif{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
}

func sarifAt(p schema.Position) sarifLocation {
	var at sarifLocation
	at.Physical.Artifact.URI = p.File
	at.Physical.Region.Line, at.Physical.Region.Column = p.Line, p.Column
	return at
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
