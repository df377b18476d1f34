package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Base is what a branch holds at one moment. It serves one goroutine.
type Base struct {
	Tip    plumbing.Hash  // zero: the branch does not exist
	Commit *object.Commit // of Tip; nil with it

	remote *Remote
	store  *filesystem.Storage // in memory; packs stay compressed, which takes a tenth of the objects
	caps   *capability.List    // of the remote
	bare   bool                // files were left out of the fetch
}

// Fetch reads a branch: its last commit and the folders; files only where the remote cannot leave them out. What goes wrong is a
// *Failure.
func (r *Remote) Fetch(ctx context.Context, branch string) (*Base, error) {
	name, err := branchName(branch)
	if err != nil {
		return nil, err
	}
	var b *Base
	err = r.exchange(ctx, reading, func(ctx context.Context) error {
		b, err = r.read(ctx, name, true)
		if err != nil && b.bare && ctx.Err() == nil { // it offers what it then refuses
			b, err = r.read(ctx, name, false)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// branchName refuses what Git would, and what would become refs/heads/HEAD or refs/heads/refs/….
func branchName(branch string) (plumbing.ReferenceName, error) {
	name := plumbing.NewBranchReferenceName(branch)
	if branch == "HEAD" || strings.HasPrefix(branch, "refs/") {
		return "", &Failure{Cause: BadBranch, Remote: fmt.Sprintf("%q", shown(branch)), Detail: "give the branch's own name, like main"}
	}
	if err := name.Validate(); err != nil || branch == "" {
		return "", &Failure{Cause: BadBranch, Remote: fmt.Sprintf("%q", shown(branch))}
	}
	return name, nil
}

// read fetches the branch; sparse leaves files out where the remote offers that and hands them out later. The base says also
// after an error whether it did.
func (r *Remote) read(ctx context.Context, name plumbing.ReferenceName, sparse bool) (*Base, error) {
	b := &Base{remote: r, store: newStore()}
	err := r.converse(ctx, uploadPack, func(s session, refs *packp.AdvRefs) error {
		tip, exists := refs.References[name.String()]
		if !exists {
			return nil
		}
		if tip.IsZero() {
			return &Failure{Cause: Broken, Detail: "the branch's commit has no name"}
		}
		b.caps = refs.Capabilities
		b.bare = sparse && b.offers(capability.Filter) && b.offers(capability.AllowReachableSHA1InWant)
		if err := b.ask(ctx, s, tip); err != nil {
			return err
		}
		commit, err := object.GetCommit(b.store, tip)
		if err != nil {
			return fmt.Errorf("%s is at %s: %w", name.Short(), tip, err)
		}
		b.Tip, b.Commit = tip, commit
		return nil
	})
	return b, err
}

// newStore keeps packs in a file system in memory. Descriptors are kept: there are none to run out of. (ExclusiveAccess would
// suit too, but makes HasEncodedObject blind to packs.)
func newStore() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(memfs.New(), cache.NewObjectLRU(8*cache.MiByte), filesystem.Options{KeepDescriptors: true})
}

// converse is one session with a service: whoever speaks next knows its branches.
func (r *Remote) converse(ctx context.Context, service string, talk func(session, *packp.AdvRefs) error) error {
	return r.converseWith(ctx, service, &remarks{out: r.progress}, talk)
}

func (r *Remote) converseWith(ctx context.Context, service string, said *remarks, talk func(session, *packp.AdvRefs) error) error {
	s, err := r.dial(ctx, service, said)
	if err != nil {
		return err
	}
	defer s.Close()
	refs, err := s.refs(ctx)
	if err != nil {
		return err
	}
	return talk(s, refs)
}

func (b *Base) offers(c capability.Capability) bool { return b.caps.Supports(c) }

// ask fetches a commit with its folders, and its files unless the base does without.
func (b *Base) ask(ctx context.Context, s session, tip plumbing.Hash) error {
	req, err := b.request(tip)
	if err != nil {
		return err
	}
	if b.offers(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		err = req.Capabilities.Set(capability.Shallow)
	}
	if b.bare && err == nil {
		req.Filter = packp.FilterBlobNone()
		err = req.Capabilities.Set(capability.Filter)
	}
	if err != nil {
		return err
	}
	return b.load(ctx, s, req)
}

// request names what is wanted. The multi_ack of the two kinds say how haves are answered, and we have none; but Azure answers
// nobody who does not ask for it. Progress is not wanted: the remote shall say only what a person must know.
func (b *Base) request(wants ...plumbing.Hash) (*packp.UploadPackRequest, error) {
	req := packp.NewUploadPackRequest()
	req.Wants = wants
	return req, copyCaps(req.Capabilities, b.caps, capability.Sideband64k, capability.OFSDelta, capability.MultiACKDetailed, capability.NoProgress)
}

// load puts what the remote sends into the store, which names every object by its own content.
func (b *Base) load(ctx context.Context, s session, req *packp.UploadPackRequest) error {
	in, err := s.fetch(ctx, req)
	if err != nil {
		return err
	}
	pack, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if err := checkPack(pack); err != nil {
		return err
	}
	return packfile.UpdateObjectStorage(b.store, bytes.NewReader(pack))
}

// Tree is one folder's entries; the zero hash has none.
func (b *Base) Tree(id plumbing.Hash) ([]object.TreeEntry, error) {
	if id.IsZero() {
		return nil, nil
	}
	entries, err := readTree(b.store, id)
	if err != nil {
		return nil, fmt.Errorf("read the tree %s of %s: %w", id, b.remote, err)
	}
	return entries, nil
}

// Blobs reads the content of files, asking the remote once for all that was left out of the fetch.
func (b *Base) Blobs(ctx context.Context, ids []plumbing.Hash) (map[plumbing.Hash][]byte, error) {
	if missing := b.missing(ids); len(missing) > 0 {
		err := b.remote.exchange(ctx, reading, func(ctx context.Context) error { return b.complete(ctx, missing) })
		if err != nil {
			return nil, err
		}
	}
	all := make(map[plumbing.Hash][]byte, len(ids))
	for _, id := range ids {
		data, err := b.blob(id)
		if err != nil {
			return nil, fmt.Errorf("read the file %s of %s: %w", id, b.remote, err)
		}
		all[id] = data
	}
	return all, nil
}

// missing are the objects that the store does not have, each once.
func (b *Base) missing(ids []plumbing.Hash) []plumbing.Hash {
	var missing []plumbing.Hash
	for _, id := range ids {
		if b.store.HasEncodedObject(id) != nil {
			missing = append(missing, id)
		}
	}
	plumbing.HashesSort(missing)
	return slices.Compact(missing)
}

// complete fetches files that were left out. A remote that promised them and refuses is asked for the whole commit instead.
func (b *Base) complete(ctx context.Context, missing []plumbing.Hash) error {
	if !b.bare {
		return fmt.Errorf("%d files of the commit %s were not sent", len(missing), b.Tip)
	}
	err := b.remote.converse(ctx, uploadPack, func(s session, refs *packp.AdvRefs) error {
		req, err := b.request(missing...)
		if err != nil {
			return err
		}
		return b.load(ctx, s, req)
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	b.bare = false
	return b.remote.converse(ctx, uploadPack, func(s session, refs *packp.AdvRefs) error { return b.ask(ctx, s, b.Tip) })
}

func (b *Base) blob(id plumbing.Hash) (data []byte, err error) {
	blob, err := object.GetBlob(b.store, id)
	if err != nil {
		return nil, err
	}
	in, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	data, err = io.ReadAll(in)
	return data, errors.Join(err, in.Close())
}

// Files reads regular files of the branch by their paths in the repository, asking the remote at most once. What is not there
// is not in the answer.
func (b *Base) Files(ctx context.Context, paths ...string) (map[string][]byte, error) {
	at := map[string]plumbing.Hash{}
	var ids []plumbing.Hash
	for _, path := range paths {
		e, err := b.entry(path)
		if err != nil {
			return nil, err
		}
		if e.Mode.IsFile() && e.Mode != filemode.Symlink {
			at[path] = e.Hash
			ids = append(ids, e.Hash)
		}
	}
	content, err := b.Blobs(ctx, ids)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for path, id := range at {
		files[path] = content[id]
	}
	return files, nil
}

// entry finds what stands at a path; its mode is Empty where nothing does.
func (b *Base) entry(path string) (object.TreeEntry, error) {
	if b.Commit == nil {
		return object.TreeEntry{}, nil
	}
	at := object.TreeEntry{Mode: filemode.Dir, Hash: b.Commit.TreeHash}
	for name := range strings.SplitSeq(path, "/") {
		if at.Mode != filemode.Dir {
			return object.TreeEntry{}, nil
		}
		entries, err := b.Tree(at.Hash)
		if err != nil {
			return object.TreeEntry{}, err
		}
		i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name })
		if i < 0 {
			return object.TreeEntry{}, nil
		}
		at = entries[i]
	}
	return at, nil
}

// Exists says whether the branch has anything at a path.
func (b *Base) Exists(path string) (bool, error) {
	e, err := b.entry(path)
	return e.Mode != filemode.Empty, err
}
