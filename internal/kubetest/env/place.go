package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/phialdev/phial/internal/testkit"
)

// place is where the person's Kubernetes leaves word of itself. Whoever holds the file "running" locked runs it: the
// kernel takes that lock back when the process dies, so what is written beside it is believed only under the lock.
type place struct {
	dir string
	kind
}

// word is what a Kubernetes says of itself.
type word struct {
	PID        int    `json:"pid"`
	Kubeconfig string `json:"kubeconfig"`
	Containerd string `json:"containerd,omitempty"` // the socket of the node's
	Programs   string `json:"programs"`             // the directory for PATH; another one means that another version was built since
}

// cache is for what kubectl remembers of the API server; it goes with that.
func (w word) cache() string { return filepath.Join(filepath.Dir(w.Kubeconfig), "kubectl") }

// findPlace gives the one place of a kind, or one beside it that PHIAL_CLUSTER names: two clusters with pods run side by
// side then, and neither stops the other.
func findPlace(k kind) (place, error) {
	cache, err := testkit.CacheDir()
	if err != nil {
		return place{}, err
	}
	dir := k.name
	if name := os.Getenv("PHIAL_CLUSTER"); name != "" && k.node {
		dir += "-" + filepath.Base(name)
	}
	p := place{filepath.Join(cache, dir), k}
	return p, os.MkdirAll(p.dir, 0o700)
}

func (p place) file(name string) string { return filepath.Join(p.dir, name) }

// changing keeps others from starting or stopping at the same time.
func (p place) changing() (unlock func(), err error) { return testkit.Lock(p.file("changing")) }

// hold takes the lock of the one that runs, for as long as the process lives; false if somebody else has it.
func (p place) hold() (*os.File, bool, error) {
	f, err := os.OpenFile(p.file("running"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, true, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("lock %s: %w", p.file("running"), err)
}

// running gives the word of the one that runs; false if none does.
func (p place) running() (word, bool, error) {
	f, free, err := p.hold()
	if err != nil {
		return word{}, false, err
	}
	if free {
		return word{}, false, f.Close()
	}
	var w word
	text, err := os.ReadFile(p.file("word.json"))
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	return w, true, err
}

// say writes the word in one go.
func (p place) say(w word) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	tmp := p.file("word.json.tmp")
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, p.file("word.json"))
}
