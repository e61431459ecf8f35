package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// LastLines gives the last n lines of a replica's output that are not blank, the
// oldest first, fewer where there are no more. The empty name asks for the
// engine's own log. It reads the log file: the engine may be gone.
func (c *Client) LastLines(pod string, n int) ([]string, error) {
	path := c.LogPath(pod)
	lines, err := lastLines(path, n)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	if len(lines) < n {
		older, err := lastLines(path+".1", n-len(lines))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read log: %w", err)
		}
		lines = append(older, lines...)
	}
	return lines, nil
}

const tailChunk = maxLine // bytes read at a time, from the end

// lastLines reads from the end only as much as it takes.
func lastLines(path string, n int) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	var lines []string // the last one first
	var rest []byte    // the end of a line whose beginning is not read yet
	for at > 0 && len(lines) < n {
		size := min(at, tailChunk)
		at -= size
		chunk := make([]byte, size, int(size)+len(rest))
		if _, err := f.ReadAt(chunk, at); err != nil {
			return nil, err
		}
		rest = append(chunk, rest...)
		for len(lines) < n {
			i := bytes.LastIndexByte(rest, '\n')
			if i < 0 && at > 0 {
				break
			}
			if line := bytes.TrimRight(rest[i+1:], "\r"); len(bytes.TrimSpace(line)) > 0 {
				lines = append(lines, string(line))
			}
			if i < 0 {
				break
			}
			rest = rest[:i]
		}
	}
	slices.Reverse(lines)
	return lines, nil
}
