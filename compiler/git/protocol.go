package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
)

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// What a remote may send at most: half a million branches and tags, as much as a machine can hold in memory, and no object that
// swells to more than any file of ours comes near.
const (
	maxRefs   = 64 << 20
	maxPack   = 1 << 30
	maxObject = 256 << 20
)

// readRefs reads what a service begins with: where its branches are, and what it can do.
func readRefs(in io.Reader) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(&limited{in, maxRefs, "list of branches"})
	var odd *packp.ErrUnexpectedData
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs):
		return refs, nil
	case errors.As(err, &odd) && bytes.Contains(odd.Data, []byte("object-format=sha256")):
		return nil, &Failure{Cause: Broken, Detail: "its objects have SHA-256 names, which is not supported"}
	}
	return refs, err
}

// writeWish asks for objects. We never say what we have: we keep nothing.
func writeWish(out io.Writer, req *packp.UploadPackRequest) error {
	if err := req.UploadRequest.Encode(out); err != nil {
		return err
	}
	return pktline.NewEncoder(out).EncodeString("done\n")
}

// readPack reads the answer up to where the pack begins.
func readPack(in io.Reader, req *packp.UploadPackRequest, said *remarks) (io.Reader, error) {
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(in)); err != nil {
		return nil, err
	}
	return &limited{demux(res, req.Capabilities, said), maxPack, "pack"}, nil
}

// readReport reads what became of a push, and then on until the remote has nothing more to say: its post-receive hook is
// running now, and would be cut off with us.
func readReport(in io.Reader, req *packp.ReferenceUpdateRequest, said *remarks) (*packp.ReportStatus, error) {
	in = demux(in, req.Capabilities, said)
	report := packp.NewReportStatus()
	if err := report.Decode(in); err != nil {
		return nil, err
	}
	io.Copy(io.Discard, in) // the report stands, whatever happens to the rest
	return report, nil
}

// demux separates the remarks from the data.
func demux(in io.Reader, caps *capability.List, said *remarks) io.Reader {
	if !caps.Supports(capability.Sideband64k) {
		return in
	}
	d := sideband.NewDemuxer(sideband.Sideband64k, in)
	d.Progress = said
	return d
}

// copyCaps takes over what both sides can do.
func copyCaps(to, from *capability.List, wanted ...capability.Capability) error {
	for _, c := range wanted {
		if from.Supports(c) {
			if err := to.Set(c); err != nil {
				return err
			}
		}
	}
	if !from.Supports(capability.Agent) {
		return nil
	}
	return to.Set(capability.Agent, capability.DefaultAgent())
}

// limited fails where a remote sends more than it can mean.
type limited struct {
	in   io.Reader
	left int64
	what string
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, &Failure{Cause: Broken, Detail: fmt.Sprintf("its %s is absurdly large", l.what)}
	}
	n, err := l.in.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
