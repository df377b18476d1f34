package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// entry of a tar archive. A name that ends in a slash is a folder.
type entry struct {
	name  string
	mode  int64
	owner int // user and group
	data  []byte
}

// writeTar writes entries in the order that they come in. Nothing in it is of this machine.
func writeTar(w io.Writer, date time.Time, entries []entry) error {
	t := tar.NewWriter(w)
	for _, e := range entries {
		h := &tar.Header{
			Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.data)),
			Mode: e.mode, Uid: e.owner, Gid: e.owner, ModTime: date,
		}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(e.data); err != nil {
			return err
		}
	}
	return t.Close()
}

// entriesOf a folder, by name. All files get one mode, whatever the machine gave them.
func entriesOf(dir string, mode int64) ([]entry, error) {
	files := os.DirFS(dir)
	var entries []entry
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || path == ".":
			return err
		case d.IsDir():
			entries = append(entries, entry{name: path + "/", mode: 0o755})
			return nil
		}
		data, err := fs.ReadFile(files, path)
		entries = append(entries, entry{name: path, mode: mode, data: data})
		return err
	})
	return entries, err
}

// pack writes the files of a folder to an archive of the commit's date. One whose name ends in .gz is compressed.
func (r *release) pack(name, dir string, mode int64) (err error) {
	entries, err := entriesOf(dir, mode)
	if err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if !strings.HasSuffix(name, ".gz") {
		return writeTar(file, r.date, entries)
	}
	z, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(writeTar(z, r.date, entries), z.Close())
}
