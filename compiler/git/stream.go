package git

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// stream is a session over the two pipes of a service that runs as a process, here or behind ssh.
type stream struct {
	in   io.WriteCloser
	out  io.Reader
	said *remarks
	wait func() error // for the service
	end  func() error // waits for a service that is done, ends one that is not
	kept bool         // the service waits for our request
}

// refs explains an end without a word by what the service wrote to stderr.
func (s *stream) refs(context.Context) (*packp.AdvRefs, error) {
	refs, err := readRefs(s.out)
	s.kept = err == nil
	if err != nil {
		return nil, s.explain(err)
	}
	return refs, nil
}

func (s *stream) fetch(_ context.Context, req *packp.UploadPackRequest) (io.Reader, error) {
	s.kept = false
	var wish bytes.Buffer
	if err := writeWish(&wish, req); err != nil {
		return nil, err
	}
	_, sent := s.in.Write(wish.Bytes())
	pack, err := readPack(s.out, req, s.said)
	if err != nil {
		return nil, s.explain(errors.Join(err, sent))
	}
	return pack, nil
}

// push reads while it writes: a service that stops in the middle of a pack says why, and must not wait for us to listen.
func (s *stream) push(_ context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	s.kept = false
	sent := make(chan error, 1)
	go func() { sent <- errors.Join(req.Encode(s.in), s.in.Close()) }()
	report, err := readReport(s.out, req, s.said)
	if err == nil {
		return report, nil
	}
	err = s.explain(err)
	return nil, errors.Join(err, <-sent)
}

// explain ends the service and adds what it wrote to stderr.
func (s *stream) explain(err error) error {
	s.Close()
	if text := s.said.text(); text != "" && cutOff(err) {
		return &pktline.ErrorLine{Text: text}
	}
	return err
}

// Close says goodbye to a service that waits for a request; else it would complain.
func (s *stream) Close() error {
	if s.kept {
		s.kept = false
		s.in.Write(pktline.FlushPkt)
	}
	s.in.Close()
	return s.end()
}
