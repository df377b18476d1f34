// Package bundle reads a compiled bundle as it comes, packed or unpacked, and believes nothing of it: names, sizes and kinds of files are checked
// before anything is made of their contents.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Bundle is what was read.
type Bundle struct {
	Files    map[string][]byte // by name from the root
	Manifest Manifest
	Digest   string // sha256:<hex> of the archive; empty where it came unpacked
}

// Manifest of a bundle.
type Manifest struct {
	Revision    string   `json:"revision"`
	Roots       []string `json:"roots"`
	RegoVersion int      `json:"rego_version"`
	Metadata    Metadata `json:"metadata"`
}

// Metadata is what OPA does not know of a bundle.
type Metadata struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Fleet       string `json:"fleet"`
	Sequence    int64  `json:"sequence"`  // 0: unsealed
	NotAfter    string `json:"not_after"` // RFC 3339
}

// Limits of a bundle.
const (
	maxPacked   = 64 << 20
	maxUnpacked = 256 << 20 // whoever sealed nothing makes us hold so much: half of what the pod may have
	maxFiles    = 10_000

	format = 1
)

// Open reads the bundle in a file or a folder.
func Open(name string) (*Bundle, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name) // no link leads out of it
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return unpacked(root.FS())
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	archive, err := Limited(file)
	if err != nil {
		return nil, err
	}
	return Read(archive)
}

// Limited reads an archive, and no more than one may have.
func Limited(r io.Reader) ([]byte, error) {
	archive, err := io.ReadAll(io.LimitReader(r, maxPacked+1))
	if err == nil && len(archive) > maxPacked {
		err = errTooLarge
	}
	return archive, err
}

var errTooLarge = fmt.Errorf("the bundle is larger than %d MiB", maxPacked>>20)

// Read a packed bundle.
func Read(archive []byte) (*Bundle, error) {
	if len(archive) > maxPacked {
		return nil, errTooLarge
	}
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("the bundle is not packed: %w", err)
	}
	f := files{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("the bundle: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("the bundle holds %q, which is no file", h.Name)
		}
		if err := f.add(h.Name, tr, h.Size); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(archive)
	return f.bundle("sha256:" + hex.EncodeToString(sum[:]))
}

func unpacked(dir fs.FS) (*Bundle, error) {
	f := files{}
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case !entry.Type().IsRegular():
			return fmt.Errorf("the bundle holds %q, which is no file", name)
		}
		file, err := dir.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		return f.add(name, file, info.Size())
	})
	if err != nil {
		return nil, err
	}
	return f.bundle("")
}

// files of a bundle, while they are read.
type files struct {
	byName map[string][]byte
	folded map[string]bool
	size   int64
}

// add a file that says how large it is: what is too large is not read, and the rest takes the room that it needs and no more.
func (f *files) add(name string, in io.Reader, size int64) error {
	if f.byName == nil {
		f.byName, f.folded = map[string][]byte{}, map[string]bool{}
	}
	switch lower := strings.ToLower(name); {
	case !fs.ValidPath(name) || strings.ContainsAny(name, "\\:\x00"):
		return fmt.Errorf("the bundle holds a file called %q", name)
	case f.folded[lower]:
		return fmt.Errorf("the bundle holds %q twice, or in other letters", name)
	case size < 0 || size > maxUnpacked-f.size:
		return errUnpacked
	case len(f.byName) == maxFiles:
		return fmt.Errorf("the bundle holds more than %d files", maxFiles)
	default:
		f.folded[lower] = true
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return fmt.Errorf("the bundle: %s: %w", name, err)
	}
	if n, _ := in.Read(make([]byte, 1)); n != 0 {
		return fmt.Errorf("the bundle: %s grows while it is read", name)
	}
	f.size += size
	f.byName[name] = data
	return nil
}

var errUnpacked = fmt.Errorf("the bundle has more than %d MiB unpacked", maxUnpacked>>20)

func (f *files) bundle(digest string) (*Bundle, error) {
	b, err := Of(f.byName)
	if err == nil {
		b.Digest = digest
	}
	return b, err
}

// Of files that were read already, by name from the root.
func Of(files map[string][]byte) (*Bundle, error) {
	b := &Bundle{Files: files}
	if b.Files[manifestFile] == nil {
		return nil, errors.New("there is no bundle here: no .manifest")
	}
	d := json.NewDecoder(bytes.NewReader(b.Files[manifestFile]))
	d.DisallowUnknownFields()
	if err := d.Decode(&b.Manifest); err != nil {
		return nil, fmt.Errorf("the bundle's .manifest: %w", err)
	}
	switch m := &b.Manifest; {
	case m.Metadata.Format != format:
		return nil, fmt.Errorf("a bundle of format %d; this reads %d", m.Metadata.Format, format)
	case !slices.Equal(m.Roots, []string{"agentc", "reviewers"}) || m.RegoVersion != 1:
		return nil, fmt.Errorf("a bundle of the roots %v in Rego v%d", m.Roots, m.RegoVersion)
	}
	return b, nil
}
