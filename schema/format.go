package schema

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// format is a shape that text can be demanded to have. The `rule` tags of the types name it; decoder and JSON Schema
// share it.
type format struct {
	name    string
	want    string   // what is allowed, to follow "must be"
	words   []string // the whole of what is allowed, where that is a few words
	pattern *pattern // in the syntax that Go and ECMAScript share; nil where words are given
	max     int      // characters; 0 is no limit
	also    func(string) bool
}

func (f *format) matches(s string) bool {
	if f.words != nil {
		return slices.Contains(f.words, s)
	}
	return (f.max == 0 || len(s) <= f.max) && f.pattern.MatchString(s) && (f.also == nil || f.also(s))
}

const (
	name63   = `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`
	label63  = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
	hostname = label63 + `(\.` + label63 + `)*`
	mail     = `[A-Za-z0-9._%+-]{1,64}@` + hostname + `\.[a-z]{2,63}`
	segment  = `\.?[A-Za-z0-9_-][A-Za-z0-9._-]*` // of a path: never empty, `.` or `..`
	gitPath  = `[A-Za-z0-9._~%+/-]+`             // no character that Argo CD would take for a pattern
	urlRest  = "(/[^\\s\\\\\"<>^`{|}]*)?"
)

var formats = []*format{
	{name: "name", max: 63, pattern: whole(name63),
		want: "a name: lower-case letters, digits and hyphens, a letter first, no hyphen last, at most 63 characters"},
	{name: "version", max: 128, pattern: whole(`(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?`),
		want: "a version of three numbers, such as 1.4.0"},
	{name: "url", max: 2048, pattern: whole(`https?://[a-z0-9.-]+(:[0-9]{1,5})?` + urlRest), also: isURL,
		want: "a URL such as https://wiki.example/page: http or https, a lower-case host, no user name in it"},
	{name: "urlpath", max: 1024, pattern: whole(`/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*`),
		want: "the path of a URL, such as /readyz: a slash first, no question mark, no spaces"},
	{name: "registry", max: 255, pattern: whole(`(` + label63 + `(\.` + label63 + `)+(:[0-9]{1,5})?|` + label63 + `:[0-9]{1,5})(/[a-z0-9]+([._-]+[a-z0-9]+)*)*`),
		want: "the beginning of an image name, such as registry.example/agents: a host with a dot or a port, then lower-case path segments; no scheme, no tag, no slash last"},
	{name: "email", max: 254, pattern: whole(mail),
		want: "an email address, such as soc@acme.example"},
	{name: "owner", max: 254, pattern: whole(`@[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*|` + mail),
		want: "a user or group as CODEOWNERS knows it: @user, @group/team or an email address"},
	{name: "tool", max: 128, pattern: whole(`[A-Za-z0-9_./-]+`),
		want: "the name of an MCP tool: letters, digits, and _ - . / between them, at most 128 characters; there is no wildcard"},
	{name: "digest", pattern: whole(`sha256:[0-9a-f]{64}`),
		want: "sha256: and 64 lower-case hexadecimal digits"},
	{name: "gpgkey", pattern: whole(`[0-9A-F]{16}`),
		want: "the long id of a GnuPG key: 16 hexadecimal digits in capitals, as `gpg --list-keys --keyid-format long` shows it"},
	{name: "topic", max: 249, pattern: whole(`\.?[A-Za-z0-9_-][A-Za-z0-9._-]*`),
		want: "the name of a Kafka topic: letters, digits, and . _ - between them, at most 249 characters"},
	{name: "giturl", max: 2048, pattern: whole(`https://[a-z0-9.-]+(:[0-9]{1,5})?/` + gitPath + `|ssh://([A-Za-z0-9._-]+@)?[a-z0-9.-]+(:[0-9]{1,5})?/` + gitPath + `|[A-Za-z0-9._-]+@[a-z0-9.-]+:` + gitPath), also: isGitURL,
		want: "the URL of a Git repository, such as https://git.example/soc/agents.git or git@git.example:soc/agents.git, with no password or token in it"},
	{name: "revision", max: 255, pattern: whole(`[A-Za-z0-9_][A-Za-z0-9._/-]*`),
		want: "a branch or a tag, such as main or release/2027: letters, digits and . _ / -"},
	{name: "path", max: 1024, pattern: whole(segment + `(/` + segment + `)*`),
		want: "a relative path such as deploy/generated: letters, digits and . _ -, no slash first or last, no `..`"},
	{name: "dns", max: 253, pattern: whole(hostname),
		want: "a DNS name: lower-case labels of letters, digits and hyphens, joined by dots, at most 253 characters"},
	{name: "label", max: 317, pattern: whole(`(` + hostname + `/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?`),
		want: "a Kubernetes label key, such as app.kubernetes.io/name"},
	{name: "labelvalue", max: 63, pattern: whole(`([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?`),
		want: "the value of a Kubernetes label: letters, digits, and . _ - between them, at most 63 characters"},
	{name: "env", max: 255, pattern: whole(`[A-Za-z_][A-Za-z0-9_]*`),
		want: "the name of an environment variable: letters, digits and underscores, no digit first"},
	{name: "verb", words: []string{"create", "update", "delete"}},
	{name: "skillref", max: 127, pattern: whole(name63 + `/` + name63),
		want: "a skill as agent/skill, such as remediate/isolate-workload"},
	{name: "risk", words: Risks},
	{name: "channel", max: 64, pattern: whole(`[a-z0-9]([a-z0-9_-]*[a-z0-9])?`),
		want: "the name of a Mattermost channel as in its URL, such as soc-approvals: lower-case letters, digits, - and _ between them, at most 64 characters"},
	{name: "username", max: 64, pattern: whole(`[a-z0-9._-]+`),
		want: "a Mattermost user name, without the @: lower-case letters, digits and . _ -, at most 64 characters"},
	{name: "weekday", words: Weekdays},
	{name: "date", pattern: whole(`[0-9]{4}-[0-9]{2}-[0-9]{2}`), also: isDate,
		want: "a day of the calendar as YYYY-MM-DD, such as 2027-03-31"},
	{name: "priority", words: []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}},
}

// Formats that belong to a type and that no tag names.
var (
	durationFormat = &format{name: "duration", max: 32, pattern: whole(`([0-9]+(\.[0-9]+)?(h|m|s|ms))+`),
		want: "a duration with its unit, such as 30s, 5m or 1h30m; a day is 24h"}
	quantityFormat = &format{name: "quantity", pattern: whole(`[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?`),
		want: "an amount such as 250m or 2 (CPU), or 512Mi or 2Gi (bytes)"}
)

// pattern is a regular expression that is compiled when something is first matched with it: all of them together would be
// a third of what a compile of a small fleet costs.
type pattern struct {
	text    string
	compile func() *regexp.Regexp
}

func whole(text string) *pattern {
	text = `^(` + text + `)$`
	return &pattern{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (p *pattern) MatchString(s string) bool { return p.compile().MatchString(s) }

func (p *pattern) String() string { return p.text }

func formatNamed(name string) *format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return nil
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isHost(u.Hostname()) && u.User == nil
}

// isGitURL refuses a password where a user name may stand. The scp form is no URL; its pattern says all.
func isGitURL(s string) bool {
	if !strings.Contains(s, "://") {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || !isHost(u.Hostname()) || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	_, password := u.User.Password()
	return !password
}

func isHost(s string) bool { return len(s) <= 253 && hostOnly.MatchString(s) }

var hostOnly = whole(hostname)

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
