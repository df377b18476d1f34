package publish

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"agentc/compiler/git"
	"agentc/compiler/model"
)

// request finds the branch of our own from which a person merges into a protected one. There is one such branch for each
// target, so that one pull request is refreshed as the spec moves on.
//
// Whatever a person committed there is theirs: the branch is replaced only while its last commit is ours, or was merged.
func (p *publication) request(ctx context.Context, base *git.Base) (*place, error) {
	if base.Commit == nil {
		return nil, &Refusal{fmt.Sprintf("there is no branch %s to open a pull request into; publish to it once without --pull-request, or create it", p.target.Branch)}
	}
	branch := p.target.requestBranch(p.Out.Fleet)
	there, err := p.remote.Fetch(ctx, branch)
	if err != nil {
		return nil, err
	}
	merged := there.Tip == base.Tip || slices.Contains(base.Commit.ParentHashes, there.Tip)
	if there.Commit != nil && !merged && !p.ours(there) {
		return nil, &Refusal{fmt.Sprintf("the last commit of %s on %s is %.12s, by %s, and not as publish left it; merge it and delete the branch, or only delete it, and publish again",
			branch, p.remote, there.Tip, there.Commit.Committer.Email)}
	}
	return &place{base, branch, there}, nil
}

// requestBranch is the name of the pull request's branch: two targets that may be open at the same time have two.
func (t Target) requestBranch(fleet *model.Fleet) string {
	parts := []string{"agentc", fleet.Name, strings.Join(t.names(), "-")}
	if t.Path != fleet.Git.Path {
		parts = append(parts, t.Path)
	}
	return strings.Join(append(parts, t.Branch), "/")
}

// ours is a commit of this committer that nobody amended: it still has the tree that its message names.
func (p *publication) ours(b *git.Base) bool {
	tree := git.Trailer{Key: trailerTree, Value: b.Commit.TreeHash.String()}
	return b.Commit.Committer.Email == p.Committer.Email && slices.Contains(git.ParseMessage(b.Commit.Message).Trailers, tree)
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
