package publish

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentc/compiler"
	"agentc/compiler/git"
)

// message says what was published, from what, and who vouches for it.
func (p *publication) message(built *git.Built, c *content) git.Message {
	spec := p.Spec
	return git.Message{
		Subject:  fmt.Sprintf("Publish %s (%s) from %.12s", p.Out.Fleet.Name, strings.Join(p.target.names(), ", "), spec.Hash.String()),
		Body:     spec.Subject + "\n\n" + Summary(built.Changes),
		Trailers: slices.Concat(p.trailers(built, c), references(spec)),
	}
}

// Summary counts changes: `12 changed, 1 added, 2 removed`.
func Summary(changes []git.Change) string {
	var changed, added, removed int
	for _, c := range changes {
		switch c.Op {
		case 'A':
			added++
		case 'D':
			removed++
		default:
			changed++
		}
	}
	return fmt.Sprintf("%d changed, %d added, %d removed", changed, added, removed)
}

// trailerTree names the tree of the commit itself, by which publish knows that nobody amended it.
const trailerTree = "Agentc-Tree"

func (p *publication) trailers(built *git.Built, c *content) []git.Trailer {
	verified := p.Verified
	if verified == "" {
		verified = "no, --unverified"
	}
	trailers := []git.Trailer{
		{Key: "Agentc-Version", Value: compiler.Version},
		{Key: "Agentc-Lock", Value: c.lock},
		{Key: trailerTree, Value: built.Tree.String()},
		{Key: "Agentc-Verified", Value: verified},
	}
	for _, env := range p.target.Environments {
		if s, sealed := c.seals.Bundles[env.Name]; sealed {
			trailers = append(trailers, git.Trailer{Key: "Agentc-Sealed", Value: fmt.Sprintf("%s, sequence %d, until %s, by %s", env.Name, s.Sequence, s.NotAfter, s.Key)})
		}
	}
	if p.Spec.Repository != "" {
		trailers = append(trailers, git.Trailer{Key: "Agentc-Spec-Repository", Value: p.Spec.Repository})
	}
	return append(trailers, git.Trailer{Key: "Agentc-Spec-Commit", Value: p.Spec.Hash.String()})
}

// references are the trailers by which Argo CD's user interface leads from a published commit to the one that it came from
// (its source hydrator's docs, "Commit Trailers"). It drops all of them where one is malformed.
func references(spec *git.SpecCommit) []git.Trailer {
	body, err := json.Marshal(spec.Body)
	if err != nil || spec.Repository == "" {
		return nil
	}
	const prefix = "Argocd-reference-commit-"
	return []git.Trailer{
		{Key: prefix + "repourl", Value: spec.Repository},
		{Key: prefix + "author", Value: fmt.Sprintf("%s <%s>", spec.Author.Name, spec.Author.Email)},
		{Key: prefix + "date", Value: spec.When.Format(time.RFC3339)},
		{Key: prefix + "subject", Value: spec.Subject},
		{Key: prefix + "body", Value: string(body)},
		{Key: prefix + "sha", Value: spec.Hash.String()},
	}
}

// size for people.
func size(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
