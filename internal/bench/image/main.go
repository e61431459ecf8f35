// Command image measures `phial build` as a whole, against a real registry on loopback:
// what goes over the wire and how long it takes beyond `mix release` for a first build,
// one of nothing new, and one with a module changed. Beside it, in the same rounds and for
// the same release on the same base, stand `crane append` and an image whose release is
// one layer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// What must be reached.
const (
	mostAgain    = time.Second // beyond mix release, with nothing changed
	mostChanged  = 100e3       // bytes sent for one module
	mostUnpacked = 40e6        // bytes of the image
	mostPull     = 16e6
)

// A situation is what happened to the project since the image was pushed before.
type situation int

const (
	first   situation = iota // nothing was pushed before, and nothing compiled
	again                    // nothing, but mix release runs again
	changed                  // one module is another
	situations
)

func (s situation) String() string {
	return [...]string{"first push", "mix release again, nothing changed", "one module changed"}[s]
}

// A way is how a release becomes an image.
type way int

const (
	phial way = iota
	crane
	oneLayer
	ways
)

// push is one image made and pushed.
type push struct {
	took     time.Duration // beyond mix release
	sent     int64         // bytes of all requests' bodies: blobs and manifests
	requests int64
}

// results are the pushes of all rounds, how long mix release and the whole of phial build
// took in them, and how much more processor time the latter had.
type results struct {
	pushes          [situations][ways][]push
	mix, whole, cpu [situations][]time.Duration
	size            struct{ pull, unpacked int64 } // of the image
}

func main() {
	runs := flag.Int("runs", 7, "how many rounds")
	flag.Parse()
	if err := measure(context.Background(), max(*runs, 1)); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, runs int) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "phial-bench-image-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := newWorkshop(ctx, dir)
	if err != nil {
		return err
	}
	var r results
	for n := range runs + 1 {
		if n == 1 { // the first round warms the page cache
			r = results{}
		}
		if err := w.round(ctx, n, &r); err != nil {
			return err
		}
	}
	r.print(runs)
	return r.judge()
}

// round goes through the situations with registries that know nothing yet.
func (w *workshop) round(ctx context.Context, n int, r *results) error {
	if err := w.forget(); err != nil {
		return err
	}
	var to [ways]*registry
	for i := range to {
		var err error
		if to[i], err = newRegistry(ctx); err != nil {
			return err
		}
		defer to[i].close()
	}
	for _, i := range []way{crane, oneLayer} {
		if err := w.pushBase(ctx, to[i]); err != nil {
			return err
		}
	}
	var digest string
	for s := range situations {
		if err := w.prepare(s, n); err != nil {
			return err
		}
		var mix, mixCPU time.Duration
		var p push
		made := image{}
		// Two copies of the project have the same done to them, one by mix alone: so
		// either compiles for itself. They take turns at being the first.
		sides := []func() error{
			func() (err error) {
				mix, mixCPU, err = w.mixRelease(ctx)
				return err
			},
			func() (err error) {
				p, made, err = w.phialBuild(ctx, to[phial])
				return err
			},
		}
		for i := range sides {
			if err := sides[(i+n)%2](); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		if same := made.digest == digest; same != (s == again) {
			return fmt.Errorf("%s: the image was %s and is %s", s, digest, made.digest)
		}
		digest = made.digest
		r.mix[s], r.whole[s], r.cpu[s] = append(r.mix[s], mix), append(r.whole[s], p.took), append(r.cpu[s], made.cpu-mixCPU)
		p.took -= mix
		r.size.pull, r.size.unpacked = made.pull, made.unpacked
		c, err := w.craneAppend(ctx, to[crane])
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		o, err := w.appendOne(ctx, to[oneLayer])
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		for i, p := range [ways]push{p, c, o} {
			if s == first { // with the base, which phial build sends along
				p.sent, p.requests = to[i].sent.Load(), to[i].requests.Load()
			}
			r.pushes[s][i] = append(r.pushes[s][i], p)
		}
	}
	return nil
}
