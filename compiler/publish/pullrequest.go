package publish

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"agentc/compiler/git"
)

// pullRequest prepares the push to a branch of our own, from which a person merges into a protected one. There is one such
// branch for each target, so that one pull request is refreshed as the spec moves on. A nil update: it is up to date.
//
// Whatever a person committed there is theirs: the branch is replaced only while its last commit is ours.
func (p *publication) pullRequest(ctx context.Context, base *git.Base, built *git.Built, result *Result) (*git.Update, error) {
	branch := "agentc/" + p.Out.Fleet.Name + "/" + p.target.Branch
	result.Branch, result.Open = branch, openURL(p.target.URL, p.target.Branch, branch)
	there, err := p.remote.Fetch(ctx, branch)
	if err != nil {
		return nil, err
	}
	result.Old = there.Tip
	switch c := there.Commit; {
	case c == nil:
	case !p.ours(there):
		return nil, &Refusal{fmt.Sprintf("the last commit of %s is %s, by %s, not ours; merge or delete that branch, and publish again", branch, there.Tip, c.Author.Email)}
	case c.TreeHash == built.Tree && len(c.ParentHashes) == 1 && c.ParentHashes[0] == base.Tip:
		result.Message = ""
		return nil, nil
	}
	return &git.Update{Branch: branch, Old: there.Tip}, nil
}

// ours is a commit that carries our signature, or, where we do not sign, our name and our trailer.
func (p *publication) ours(b *git.Base) bool {
	if p.Signer != nil {
		return git.SignedBy(b.Commit, p.Signer)
	}
	m := git.ParseMessage(b.Commit.Message)
	marked := slices.ContainsFunc(m.Trailers, func(t git.Trailer) bool { return t.Key == trailerLock })
	return marked && b.Commit.Committer.Email == p.Committer.Email
}

// openURL is where a person opens the pull request, for the forges whose host tells what they are.
func openURL(remote, into, from string) string {
	host, repository := hostOf(remote)
	if host == "" {
		return ""
	}
	web := "https://" + host + "/" + repository
	switch {
	case strings.Contains(host, "gitlab"):
		q := url.Values{"merge_request[source_branch]": {from}, "merge_request[target_branch]": {into}}
		return web + "/-/merge_requests/new?" + q.Encode()
	case strings.Contains(host, "github"), strings.Contains(host, "gitea"), strings.Contains(host, "forgejo"), host == "codeberg.org":
		return web + "/compare/" + url.PathEscape(into) + "..." + url.PathEscape(from)
	default:
		return "" // the remote says it itself, or has no pull requests
	}
}

// hostOf splits a remote's URL, in either of its forms, into host and path.
func hostOf(remote string) (host, repository string) {
	if u, err := url.Parse(remote); err == nil && u.Host != "" {
		return u.Hostname(), strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	}
	if _, rest, found := strings.Cut(remote, "@"); found {
		host, repository, _ = strings.Cut(rest, ":")
		return host, strings.TrimSuffix(strings.Trim(repository, "/"), ".git")
	}
	return "", ""
}
