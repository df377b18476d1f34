package check

import (
	"regexp"
	"strings"

	"agentc/schema"
)

// secrets are shapes that only a secret has, as their issuers publish them.
var secrets = []struct {
	what  string
	holds string // what every secret of the shape holds: a fleet has a great many values, and hardly any with one of these
	shape *regexp.Regexp
}{
	{"a private key", "PRIVATE KEY", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----`)},
	{"a private key", "AGE-SECRET-KEY-1", regexp.MustCompile(`\bAGE-SECRET-KEY-1`)},
	{"an AWS access key", "IA", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"a GitHub token", "gh", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})`)},
	{"a GitLab token", "glpat-", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a Slack token", "xox", regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}`)},
	{"a Slack token", "xapp-", regexp.MustCompile(`\bxapp-[A-Za-z0-9-]{10,}`)},
	{"a Google API key", "AIza", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a Hugging Face token", "hf_", regexp.MustCompile(`\bhf_[A-Za-z0-9]{30,}\b`)},
	{"a Vault token", "hv", regexp.MustCompile(`\bhv[sb]\.[A-Za-z0-9_-]{20,}`)},
	{"a payment API key", "k_live_", regexp.MustCompile(`\b[rs]k_live_[A-Za-z0-9]{16,}`)},
	// The last twenty characters hold no hyphen, unlike a name such as sk-learn-inference.
	{"a model API key", "sk-", regexp.MustCompile(`\bsk-[A-Za-z0-9_-]*[A-Za-z0-9]{20}`)},
	{"a signed token", "eyJ", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.`)},
	{"a webhook, whose URL is its password,", "hooks", regexp.MustCompile(`/hooks/[a-z0-9]{26}\b|//hooks\.slack\.com/services/`)},
	// Not what stands for one: postgres://app:$(PASSWORD)@db.
	{"a password in a URL", "://", regexp.MustCompile(`://[^/\s:@]*:[^/\s@$<{%][^/\s@]*@`)},
}

// variableIn is the path of an environment variable, of an agent or among the defaults.
var variableIn = regexp.MustCompile(`\.env\.([^.]+)$`)

// secretName is an environment variable whose value would be a secret; TOKEN_LIMIT is none.
var secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|API_?KEY|(^|_)(SECRET|TOKEN|PASS|CREDENTIALS?|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY))$`)

// noSecret is what such a variable may hold all the same: nothing, a switch, a small number, the path of a file.
var noSecret = regexp.MustCompile(`^(|true|false|[0-9]{1,5}|/.*)$`)

// literalSecret refuses a secret written into the spec: Git keeps it forever, and so do the generated files.
func literalSecret(p *pass) {
	for _, docs := range [][]*schema.Document{p.Written.Agents, p.Written.Platforms, p.Written.Policies} {
		for _, doc := range docs {
			doc.Strings(func(path, value string) {
				if what := secret(path, value); what != "" {
					p.secret(schema.Ref{Doc: doc, Path: path}.Position(), what)
				}
			})
		}
	}
	for _, file := range p.Written.Rego {
		number := 0
		for line := range strings.Lines(string(file.Text)) {
			number++
			if what, column := secretShape(line); what != "" {
				p.secret(schema.Position{File: file.File, Line: number, Column: 1 + len([]rune(line[:column]))}, what)
			}
		}
	}
}

func (p *pass) secret(at schema.Position, what string) {
	p.problems = append(p.problems, p.problem(at,
		"%s stands here; put it into a Secret that an endpoint's credential names, and replace it: what is in Git is known", what))
}

func secret(path, value string) string {
	if what, _ := secretShape(value); what != "" {
		return what
	}
	variable := variableIn.FindStringSubmatch(path)
	if variable != nil && secretName.MatchString(variable[1]) && !noSecret.MatchString(value) {
		return "a value of the secret variable " + variable[1]
	}
	return ""
}

// secretShape says which kind of secret a text holds, and where.
func secretShape(text string) (what string, index int) {
	for _, s := range secrets {
		if !strings.Contains(text, s.holds) {
			continue
		}
		if found := s.shape.FindStringIndex(text); found != nil {
			return s.what, found[0]
		}
	}
	return "", 0
}
