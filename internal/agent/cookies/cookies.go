// Package cookies follows the mounted Secret that holds the cookie, and says which
// cookie the node should have now. No cookie leaves it but as a dist.Cookie, which
// does not print.
package cookies

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/erlang/dist"
)

// Files of the Secret beside the cookie's own.
const (
	FileNext     = "next"     // the cookie to come
	FileSwitchAt = "switchAt" // when it comes, as RFC 3339
)

// Around a switch nobody joins: a join between nodes of different cookies parts
// them all. Clocks of machines differ by less than holdBefore; stragglers are
// switched within holdAfter.
const (
	holdBefore = 5 * time.Second
	holdAfter  = 10 * time.Second
)

// maxFile bounds what is read of a file of the Secret.
const maxFile = 4 << 10

// Cookies is what the Secret says. Its methods may be called from several goroutines.
type Cookies struct {
	path string

	mu       sync.Mutex
	cookie   dist.Cookie
	next     dist.Cookie
	switchAt time.Time
	former   dist.Cookie // what cookie was before the Secret changed
}

// New follows the file of the cookie, and those beside it.
func New(path string) *Cookies { return &Cookies{path: path} }

// Load reads the Secret anew. On an error what was known before stands.
func (c *Cookies) Load() error {
	cookie, err := read(c.path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(c.path)
	next, err := read(filepath.Join(dir, FileNext))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	at, err := c.readTime(filepath.Join(dir, FileSwitchAt))
	if err != nil {
		return err
	}
	if next.IsZero() {
		at = time.Time{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cookie.IsZero() && !c.cookie.Equal(cookie) {
		c.former = c.cookie
	}
	c.cookie, c.next, c.switchAt = cookie, next, at
	return nil
}

func (c *Cookies) readTime(path string) (time.Time, error) {
	text, err := readText(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s holds no time as 2006-01-02T15:04:05Z", path)
	}
	return at, nil
}

// Expected is the cookie that the node should have.
func (c *Cookies) Expected(now time.Time) dist.Cookie {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.expected(now)
}

func (c *Cookies) expected(now time.Time) dist.Cookie {
	if !c.next.IsZero() && !c.switchAt.IsZero() && !now.Before(c.switchAt) {
		return c.next
	}
	return c.cookie
}

// Candidates are the cookies that a node of the app may have, the expected one
// first: one that was started before the switch has the former one, one that was
// switched early the next. A line end that a Secret was written with reaches the
// node through its environment, and is cut off by whoever reads the file in a shell.
func (c *Cookies) Candidates(now time.Time) []dist.Cookie {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []dist.Cookie
	add := func(d dist.Cookie) {
		for _, have := range all {
			if have.Equal(d) {
				return
			}
		}
		if !d.IsZero() {
			all = append(all, d)
		}
	}
	for _, d := range []dist.Cookie{c.expected(now), c.cookie, c.next, c.former} {
		add(d)
	}
	for _, d := range all {
		add(dist.NewCookie(strings.TrimRight(d.Reveal(), "\r\n")))
	}
	return all
}

// Holding says whether nobody should join now.
func (c *Cookies) Holding(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.switchAt.IsZero() && now.After(c.switchAt.Add(-holdBefore)) && now.Before(c.switchAt.Add(holdAfter))
}

// Rotation says whether a change of the cookie is announced, and for when.
func (c *Cookies) Rotation() (at time.Time, announced bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.switchAt, !c.switchAt.IsZero()
}

// read takes a file as it is, line end and all: that is what the node's
// environment holds.
func read(path string) (dist.Cookie, error) {
	text, err := readText(path)
	if err != nil {
		return dist.Cookie{}, err
	}
	if strings.TrimRight(text, "\r\n") == "" {
		return dist.Cookie{}, fmt.Errorf("%s is empty: put the cookie into the Secret under that key", path)
	}
	return dist.NewCookie(text), nil
}

func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("%s is longer than a cookie can be", path)
	}
	return string(b), nil
}
