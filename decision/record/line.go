package record

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// MaxLine is how long a line can be, without its end. A longer record is refused.
const MaxLine = 256 << 10

// hash of a line as it is, without its end.
type hash [sha256.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// start of a chain: no line is before the first, so that it carries the log's name.
func start(origin string) hash { return sha256.Sum256([]byte(origin)) }

// bodyOf a record is its line without seq and prev_hash, which nobody knows before its turn.
func bodyOf(r *Record) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("a record is no JSON: %w", err)
	}
	if b.Len()+prefixLen > MaxLine {
		return nil, fmt.Errorf("a record has %d bytes; a line has at most %d", b.Len()+prefixLen, MaxLine)
	}
	return b.Bytes(), nil // `{"labels": …}` and a newline
}

// What a line begins with: that way the chain can be followed without understanding the rest.
const (
	seqKey    = `{"seq":`
	hashKey   = `,"prev_hash":"`
	hashEnd   = `",`
	prefixLen = len(seqKey) + 20 + len(hashKey) + 2*sha256.Size + len(hashEnd)
)

// appendLine writes the line of a body behind others.
func appendLine(lines []byte, seq uint64, prev hash, body []byte) []byte {
	lines = strconv.AppendUint(append(lines, seqKey...), seq, 10)
	lines = hex.AppendEncode(append(lines, hashKey...), prev[:])
	return append(append(lines, hashEnd...), body[1:]...)
}

var errLine = errors.New(`the line is no record: it does not begin with {"seq":…,"prev_hash":"…", or is no JSON`)

// linkOf reads seq and prev_hash off a line.
func linkOf(line []byte) (seq uint64, prev hash, err error) {
	rest, ok := bytes.CutPrefix(line, []byte(seqKey))
	digits, rest, found := bytes.Cut(rest, []byte(hashKey))
	if !ok || !found || len(rest) < 2*len(prev)+len(hashEnd) || !json.Valid(line) {
		return 0, prev, errLine
	}
	seq, err = strconv.ParseUint(string(digits), 10, 64)
	if err != nil || string(rest[2*len(prev):2*len(prev)+len(hashEnd)]) != hashEnd {
		return 0, prev, errLine
	}
	if _, err := hex.Decode(prev[:], rest[:2*len(prev)]); err != nil {
		return 0, prev, errLine
	}
	return seq, prev, nil
}

// errLong is a line that no log of ours has.
var errLong = fmt.Errorf("the line has more than %d bytes", MaxLine)

// lineReader reads lines that end. What stands behind the last of them is torn.
type lineReader struct {
	from *bufio.Reader
	line int   // number of the last one, from 1
	end  int64 // its offset, with its newline
	torn int64 // bytes behind it
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{from: bufio.NewReaderSize(r, MaxLine+1)}
}

// next line without its end, until another is read; io.EOF after the last.
func (r *lineReader) next() ([]byte, error) {
	line, err := r.from.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		r.line++
		return nil, errLong
	case errors.Is(err, io.EOF):
		r.torn = int64(len(line))
		return nil, io.EOF
	case err != nil:
		return nil, err
	}
	r.line++
	r.end += int64(len(line))
	return line[:len(line)-1], nil
}
