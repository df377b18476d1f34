package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// web is a session over http(s): one request for the branches, one for the rest.
type web struct {
	remote  *Remote
	client  *http.Client
	base    url.URL // without credentials; where the first request was answered
	service string
	said    *remarks
	open    []io.Closer
}

// dialHTTP makes a client of its own: nothing of another's settings, and its connections end with the session.
func (r *Remote) dialHTTP(service string, said *remarks) session {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &web{
		remote: r, service: service, said: said,
		client: &http.Client{Transport: transport, CheckRedirect: sameHost},
		base:   url.URL{Scheme: r.at.scheme, Host: r.at.host, Path: strings.TrimSuffix(r.at.path, "/")},
	}
}

// sameHost lets a repository be renamed, and http become https. To another host neither credentials nor files shall follow:
// who has it in the spec shall decide that.
func sameHost(req *http.Request, via []*http.Request) error {
	from := via[0].URL
	if req.URL.Hostname() != from.Hostname() || req.URL.Scheme != from.Scheme && req.URL.Scheme != "https" ||
		req.URL.Scheme == from.Scheme && req.URL.Port() != from.Port() {
		return &Failure{Cause: NotFound, Detail: "it sends us on to " + shown(req.URL.Scheme+"://"+req.URL.Host) + "; give that URL if it is right"}
	}
	if req.Method != http.MethodGet || len(via) > 5 {
		return &Failure{Cause: Broken, Detail: "it sends us in circles"}
	}
	return nil
}

// refs asks anonymously until the remote wants credentials; the requests that follow then have them.
func (w *web) refs(ctx context.Context) (*packp.AdvRefs, error) {
	res, err := w.discover(ctx)
	var no *status
	if errors.As(err, &no) && no.code == http.StatusUnauthorized && w.remote.login == nil {
		if !w.remote.at.private() {
			return nil, &Failure{Cause: NeedsLogin, Detail: "credentials are not sent over unencrypted http; give an https URL"}
		}
		if w.remote.login = findLogin(ctx, w.remote.at); w.remote.login != nil {
			res, err = w.discover(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	return readRefs(res.Body)
}

func (w *web) discover(ctx context.Context) (*http.Response, error) {
	const suffix = "/info/refs"
	at := w.base
	at.Path += suffix
	at.RawQuery = "service=" + w.service
	res, err := w.do(ctx, http.MethodGet, at, nil, 0)
	if err != nil {
		return nil, err
	}
	final, whole := strings.CutSuffix(res.Request.URL.Path, suffix)
	if !whole || res.Header.Get("Content-Type") != "application/x-"+w.service+"-advertisement" {
		return nil, &Failure{Cause: NotFound, Detail: "a web server answers there, but not with Git's protocol"}
	}
	w.base.Scheme, w.base.Host, w.base.Path = res.Request.URL.Scheme, res.Request.URL.Host, final
	return res, nil
}

func (w *web) fetch(ctx context.Context, req *packp.UploadPackRequest) (io.Reader, error) {
	var wish bytes.Buffer
	if err := writeWish(&wish, req); err != nil {
		return nil, err
	}
	res, err := w.post(ctx, &wish, int64(wish.Len()))
	if err != nil {
		return nil, err
	}
	return readPack(res.Body, req, w.said)
}

func (w *web) push(ctx context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	var body bytes.Buffer
	if err := req.Encode(&body); err != nil {
		return nil, err
	}
	res, err := w.post(ctx, &body, int64(body.Len()))
	if err != nil {
		return nil, err
	}
	return readReport(res.Body, req, w.said)
}

func (w *web) post(ctx context.Context, body io.Reader, size int64) (*http.Response, error) {
	at := w.base
	at.Path += "/" + w.service
	return w.do(ctx, http.MethodPost, at, body, size)
}

// do sends one request; an answer that is not 200 is a *status.
func (w *web) do(ctx context.Context, method string, at url.URL, body io.Reader, size int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("User-Agent", capability.DefaultAgent())
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-"+w.service+"-request")
		req.Header.Set("Accept", "application/x-"+w.service+"-result")
	}
	w.remote.login.apply(req)
	res, err := w.client.Do(req)
	if err != nil {
		return nil, unquoted(err)
	}
	w.open = append(w.open, res.Body)
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxKept))
	return nil, &status{code: res.StatusCode, text: words(res.Header, text), tried: w.remote.login}
}

// unquoted takes the URL off an error of the http client: messages name the remote already.
func unquoted(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// words are an answer's text, if it is for people and not for their browsers.
func words(h http.Header, text []byte) string {
	if strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		return shown(string(text))
	}
	return ""
}

func (w *web) Close() error {
	for _, body := range w.open {
		body.Close()
	}
	w.client.CloseIdleConnections()
	return nil
}

// status is an answer of a web server that is not the one we asked for.
type status struct {
	code  int
	text  string
	tried *login
}

func (s *status) Error() string {
	text := fmt.Sprintf("HTTP %d %s", s.code, http.StatusText(s.code))
	if s.text != "" {
		text += ": " + s.text
	}
	if s.tried != nil {
		text += ", with the credentials of " + s.tried.from
	}
	return text
}

func (s *status) cause() Cause {
	switch {
	case s.code == http.StatusUnauthorized && s.tried == nil:
		return NeedsLogin
	case s.code == http.StatusUnauthorized, s.code == http.StatusForbidden:
		return Denied
	case s.code == http.StatusNotFound, s.code == http.StatusGone:
		return NotFound
	case s.code == http.StatusBadGateway, s.code == http.StatusServiceUnavailable, s.code == http.StatusGatewayTimeout:
		return Unreachable
	}
	return wordsCause(s.text)
}
