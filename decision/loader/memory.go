package loader

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"agentc/decision/bundle"
)

// What is remembered in the data folder: the highest sequence that was ever in force, so that an older bundle is refused for good, and the bundle itself,
// byte for byte as it came.
const (
	markFile     = "bundle.mark.json"
	archiveFile  = "bundle.tar.gz"
	previousFile = "bundle.previous.tar.gz"
)

// mark is the high-water mark.
type mark struct {
	Environment string `json:"environment"`
	Sequence    int64  `json:"sequence"`
	Revision    string `json:"revision"` // of that sequence
	NotAfter    string `json:"not_after"`
}

// permits what is not older. A sequence names one content: under the number that is in force another is none.
func (m mark) permits(b *bundle.Bundle) error {
	said := b.Manifest.Metadata
	if m.Sequence == 0 || said.Environment != m.Environment {
		return nil
	}
	switch {
	case said.Sequence < m.Sequence:
		return fmt.Errorf("the bundle has the sequence %d; %d was in force already, and there is no way back: publish the old spec again", said.Sequence, m.Sequence)
	case said.Sequence == m.Sequence && (b.Manifest.Revision != m.Revision || said.NotAfter != m.NotAfter):
		return fmt.Errorf("the bundle has the sequence %d, as the one in force, and another content", said.Sequence)
	}
	return nil
}

// recall the mark. One that cannot be read is an error: without it an older bundle would be taken.
func (l *Loader) recall() error {
	if l.Data == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(l.Data, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &l.mark)
	}
	if err != nil {
		return fmt.Errorf("%s says which bundles are too old, and cannot be read: %w", filepath.Join(l.Data, markFile), err)
	}
	return nil
}

// remember a bundle that is about to be in force. The mark comes last: a crash before it leaves the old mark with a bundle that it permits.
func (l *Loader) remember(b *bundle.Bundle, archive []byte) error {
	if l.Data != "" && archive != nil {
		if err := l.keep(archive); err != nil {
			return err
		}
	}
	m := b.Manifest
	next := mark{m.Metadata.Environment, m.Metadata.Sequence, m.Revision, m.Metadata.NotAfter}
	switch {
	case l.Keys == nil || next == l.mark: // a sequence that nobody signed is none
		return nil
	case l.Data == "":
		l.mark = next
		return nil
	}
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(l.Data, markFile), text); err != nil {
		return err
	}
	l.mark = next
	return nil
}

func (l *Loader) keep(archive []byte) error {
	current := filepath.Join(l.Data, archiveFile)
	if kept, err := os.ReadFile(current); err == nil && bytes.Equal(kept, archive) {
		return nil
	}
	err := os.Rename(current, filepath.Join(l.Data, previousFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return replace(current, archive)
}

// errNothing is remembered.
var errNothing = errors.New("there is none")

// remembered takes what was in force before, or what was before that where a crash left nothing else.
func (l *Loader) remembered(ctx context.Context) error {
	if l.Data == "" {
		return errNothing
	}
	var why error
	for _, name := range []string{archiveFile, previousFile} {
		archive, err := os.ReadFile(filepath.Join(l.Data, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			var b *bundle.Bundle
			if b, err = bundle.Read(archive); err == nil {
				err = l.activate(ctx, b, archive, false)
			}
		}
		if err == nil {
			return nil
		}
		why = errors.Join(why, fmt.Errorf("%s: %w", name, err))
	}
	if why == nil {
		return errNothing
	}
	return why
}

// replace a file in one step that outlives a crash: either the old bytes are there or the new ones.
func replace(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
