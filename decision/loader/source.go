package loader

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"agentc/decision/bundle"
)

// File is a bundle on this machine: an archive, which may be a ConfigMap's that the kubelet swaps, or a folder.
type File string

// Fetch reads the file again and again: it is at most a ConfigMap, and a time of change could be anything.
func (f File) Fetch(_ context.Context, tag string) (*Fetched, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		b, err := bundle.Open(string(f))
		if err != nil {
			return nil, err
		}
		if b.Manifest.Revision == tag {
			return nil, nil
		}
		return &Fetched{Bundle: b, Tag: b.Manifest.Revision}, nil
	}
	file, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	archive, err := bundle.Limited(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(archive)
	now := hex.EncodeToString(sum[:])
	if now == tag {
		return nil, nil
	}
	return &Fetched{Archive: archive, Tag: now}, nil
}

// Remote is a bundle that a server has.
type Remote struct {
	URL        string
	Client     *http.Client
	Credential string // file with a bearer token, read each time; empty: none
}

// Fetch asks whether there is another than the one that the tag names.
func (r *Remote) Fetch(ctx context.Context, tag string) (*Fetched, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // the bytes are remembered as they come
	if tag != "" {
		request.Header.Set("If-None-Match", tag)
	}
	if r.Credential != "" {
		token, err := os.ReadFile(r.Credential)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	reply, err := r.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	switch {
	case reply.StatusCode == http.StatusNotModified && tag != "":
		return nil, nil
	case reply.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %d", request.URL.Redacted(), reply.StatusCode)
	}
	archive, err := bundle.Limited(reply.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request.URL.Redacted(), err)
	}
	return &Fetched{Archive: archive, Tag: reply.Header.Get("ETag")}, nil
}

// NoRedirects is a http.Client's CheckRedirect: a bundle comes from where the spec says, or not at all.
func NoRedirects(*http.Request, []*http.Request) error {
	return errors.New("it leads somewhere else, and is not followed")
}

// Serve gives others the bundle in force, byte for byte as it came.
func (l *Loader) Serve(w http.ResponseWriter, r *http.Request) {
	f, err := l.Current()
	if err != nil || f.Archive == nil {
		http.Error(w, "there is no bundle to give", http.StatusServiceUnavailable)
		return
	}
	tag := `"` + f.Digest + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("Content-Length", fmt.Sprint(len(f.Archive)))
	if r.Method == http.MethodGet {
		w.Write(f.Archive) // whoever went away asks again
	}
}
