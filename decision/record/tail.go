package record

import (
	"errors"
	"io"
	"os"
)

// file is what a tail needs of *os.File; tests have another whose disk fails.
type file interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// tail is a file that is only appended to. What it was told to append is durable, or is not there: after a failure its end is repaired before anything
// else is written, so that half a line never stands before a whole one.
type tail struct {
	file  file
	size  int64 // that is durable
	dirty bool  // something may stand behind it
}

func openTail(name string, size int64) (*tail, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &tail{file: f, size: size}, nil
}

func (t *tail) append(text []byte) error {
	if err := t.repair(); err != nil {
		return err
	}
	t.dirty = true
	_, err := t.file.WriteAt(text, t.size)
	if err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		return errors.Join(err, t.repair())
	}
	t.size, t.dirty = t.size+int64(len(text)), false
	return nil
}

// repair cuts off what a failure left. The pages of a failed Sync may be lost though they look clean: nothing is believed of them.
func (t *tail) repair() error {
	if !t.dirty {
		return nil
	}
	if err := t.file.Truncate(t.size); err != nil {
		return err
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	t.dirty = false
	return nil
}
