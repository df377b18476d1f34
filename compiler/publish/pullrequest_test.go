package publish

import "testing"

func TestWhereToOpenAPullRequest(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/soc/agents.git":           "https://github.com/soc/agents/compare/main...agentc%2Fdemo%2Fmain",
		"git@github.com:soc/agents.git":               "https://github.com/soc/agents/compare/main...agentc%2Fdemo%2Fmain",
		"ssh://git@gitlab.soc.example:2222/a/b/c.git": "https://gitlab.soc.example/a/b/c/-/merge_requests/new?merge_request%5Bsource_branch%5D=agentc%2Fdemo%2Fmain&merge_request%5Btarget_branch%5D=main",
		"https://gitea.soc.example/soc/agents":        "https://gitea.soc.example/soc/agents/compare/main...agentc%2Fdemo%2Fmain",
		"https://git.soc.example/soc/agents.git":      "",
		"../deploy.git":                               "",
		"file:///srv/git/agents.git":                  "",
		"https://github.com.evil.example/soc/agents":  "https://github.com.evil.example/soc/agents/compare/main...agentc%2Fdemo%2Fmain",
	} {
		if got := openURL(url, "main", "agentc/demo/main"); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}
