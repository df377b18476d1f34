package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Update moves a branch.
type Update struct {
	Branch   string
	Old, New plumbing.Hash // Old zero: the branch is created
	Pack     []byte        // the objects that the remote lacks
}

// Push moves a branch from Old to New, or not at all. Where the remote says no, the error is a *Rejected; where nobody could be
// asked, a *Failure; where the answer was lost, an *Unknown.
func (r *Remote) Push(ctx context.Context, u Update) error {
	name, err := branchName(u.Branch)
	if err != nil {
		return err
	}
	if u.New.IsZero() {
		return errors.New("a push without a commit would delete the branch")
	}
	said := &remarks{out: r.progress}
	return r.exchange(ctx, pushing, func(ctx context.Context) error {
		return r.converseWith(ctx, receivePack, said, func(s session, refs *packp.AdvRefs) error {
			if at := refs.References[name.String()]; at != u.Old {
				return &Rejected{Moved, fmt.Sprintf("the branch %s is at %s, and the commit was made for %s", u.Branch, short(at), short(u.Old))}
			}
			req, err := u.request(name, refs)
			if err != nil {
				return err
			}
			report, err := s.push(ctx, req)
			if err != nil {
				return lost(err, said)
			}
			return judge(report, name, said)
		})
	})
}

func short(id plumbing.Hash) string {
	if id.IsZero() {
		return "no commit"
	}
	return id.String()[:12]
}

// request is one command. It names the old commit too, which the remote compares once more under the branch's lock.
func (u Update) request(name plumbing.ReferenceName, refs *packp.AdvRefs) (*packp.ReferenceUpdateRequest, error) {
	if !refs.Capabilities.Supports(capability.ReportStatus) {
		return nil, &Failure{Cause: Broken, Detail: "it would not report what became of a push"}
	}
	req := packp.NewReferenceUpdateRequest()
	req.Commands = []*packp.Command{{Name: name, Old: u.Old, New: u.New}}
	req.Packfile = io.NopCloser(bytes.NewReader(u.Pack))
	return req, copyCaps(req.Capabilities, refs.Capabilities, capability.ReportStatus, capability.Sideband64k, capability.OFSDelta, capability.Quiet)
}

// judge reads the remote's report.
func judge(report *packp.ReportStatus, name plumbing.ReferenceName, said *remarks) error {
	for _, c := range report.CommandStatuses {
		switch {
		case c.ReferenceName != name:
		case c.Status != "ok":
			return rejected(c.Status, said.text())
		case report.UnpackStatus == "ok":
			return nil
		}
	}
	if report.UnpackStatus != "ok" {
		return rejected(report.UnpackStatus, said.text())
	}
	return &Unknown{&Failure{Cause: Broken, Detail: "its report does not name the branch"}}
}

// lost judges a push that was sent and not reported on. The remote may have said why in other ways; if not, it may have
// taken the push.
func lost(err error, said *remarks) error {
	text := err.Error()
	if no := rejected(text, said.text()); no.Kind != Refused {
		return no
	}
	var answer *status
	if errors.As(err, &answer) && answer.code >= 400 && answer.code < 500 {
		if answer.code == http.StatusRequestEntityTooLarge {
			return rejected(text, said.text())
		}
		return err
	}
	return &Unknown{err}
}
