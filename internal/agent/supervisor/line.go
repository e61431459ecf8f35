package supervisor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits of a line, its end included.
const (
	MaxWord  = 64 << 10  // from the worker
	maxOrder = 160 << 10 // to it: a Word, what it kept, and a little more
)

// Pipes that a worker inherits.
const (
	wordsFD  = 3 // the worker writes
	ordersFD = 4 // the worker reads
)

// Pace is how often a worker says a Word at least; one that says none for Silence is
// killed and started anew.
const (
	Pace    = time.Second
	Silence = 10 * time.Second
)

// A Word is what the worker has found out and decided. The last one stands while there
// is no worker.
type Word struct {
	Booted bool `json:"booted,omitempty"` // the node has booted; /booted
	Ready  bool `json:"ready,omitempty"`  // the gate is open; /ready, unless the supervisor was told to drain
	// Draining and Drained answer the drain of the ID Drain, and no other: one that was
	// undone and ordered anew has another ID.
	Draining bool   `json:"draining,omitempty"`
	Drained  bool   `json:"drained,omitempty"`
	DrainID  string `json:"drainID,omitempty"` // of the DrainOrder that the worker is at
	// Reason is why the gate is as it is, in words for people. It is logged when the gate
	// opens or closes; who is not in the pod never sees it.
	Reason string `json:"reason,omitempty"`
	// Keep is the gate's memory. The supervisor gives the last one to the next worker and
	// does not look into it. null or absent: the one before stays.
	Keep json.RawMessage `json:"keep,omitempty"`
	// Drain is how far the drain of DrainID has come, for who waits for it. Where it is
	// an object with a string "line", that is what people are shown.
	Drain json.RawMessage `json:"drain,omitempty"`
}

// An Order is what the supervisor tells the worker. The first one after a start always
// comes, at once, and hands over what the worker before left.
type Order struct {
	Drain *DrainOrder     `json:"drain,omitempty"` // drain, or go on with a drain under way
	Undo  bool            `json:"undo,omitempty"`  // take the drain back
	Keep  json.RawMessage `json:"keep,omitempty"`  // the last Word's; the first order only
	Last  *Word           `json:"last,omitempty"`  // the last Word, without its Keep; the first order only
}

// A DrainOrder is one drain. It is repeated to each new worker until it is undone.
type DrainOrder struct {
	ID    string    `json:"id"`
	Since time.Time `json:"since"` // when it was ordered: the endpoint delay counts from here
}

// errTooLong says that a line is longer than its limit.
var errTooLong = errors.New("the line is too long")

// lineReader reads lines of a bounded length. One that is longer is skipped to its end
// and reported as errTooLong; reading goes on with the next.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader, limit int) lineReader {
	return lineReader{bufio.NewReaderSize(r, limit)}
}

// next gives the next line without its end, valid until the next call. A last line
// without an end is none: it was cut off.
func (l lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == nil {
		return line[:len(line)-1], nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil {
		return nil, err
	}
	return nil, errTooLong
}

// writeLine writes a value as one line of JSON, in one write.
func writeLine(w io.Writer, v any, limit int) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text)+1 > limit {
		return fmt.Errorf("%w: %d bytes of at most %d", errTooLong, len(text)+1, limit)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
