package check

import (
	"regexp"
	"strings"

	"agentc/schema"
)

// secrets are shapes that only a secret has, as their issuers publish them.
var secrets = []struct {
	what  string
	shape *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"an AWS access key", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"a GitHub token", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})`)},
	{"a GitLab token", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}`)},
	{"a Google API key", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a model API key", regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`)},
	{"a signed token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.`)},
	{"a password in a URL", regexp.MustCompile(`://[^/\s:@]+:[^/\s:@]+@`)},
}

// secretName is an environment variable whose value would be a secret.
var secretName = regexp.MustCompile(`(^|_)(SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)(_|$)`)

// literalSecret refuses a secret written into the spec: Git keeps it forever, and so do the generated files.
func literalSecret(p *pass) {
	for _, docs := range [][]*schema.Document{p.Written.Agents, p.Written.Platforms, p.Written.Policies} {
		for _, doc := range docs {
			doc.Strings(func(path, value string) {
				if what := secret(path, value); what != "" {
					p.report(schema.Ref{Doc: doc, Path: path},
						"%s stands in the spec; put it into a Secret and name it in an endpoint's credential, and replace it: it has been written down", what)
				}
			})
		}
	}
}

func secret(path, value string) string {
	for _, s := range secrets {
		if s.shape.MatchString(value) {
			return s.what
		}
	}
	// An environment variable of that name may lead to a file or name a Secret; it must not hold the thing itself.
	_, name, isEnv := strings.Cut(path, "workload.env.")
	if isEnv && secretName.MatchString(name) && !strings.HasPrefix(value, "/") {
		return "a value of the secret variable " + name
	}
	return ""
}
