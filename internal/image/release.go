package image

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"path"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/release"
)

// left are the files of a release directory that never go into an image, with why.
func left(name string) (why string, out bool) {
	below := strings.TrimPrefix(name, Root+"/")
	switch {
	case below == "releases/COOKIE":
		return "the cookie is remote code execution: whoever pulls the image would have it", true
	case path.Base(below) == "erl_crash.dump":
		return "a crash dump holds the cookie and the node's memory", true
	case below == "tmp" || strings.HasPrefix(below, "tmp/"):
		return "what a run of the release wrote there", true
	}
	return "", false
}

// Left is a file that was left out of the image.
type Left struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// readRelease reads a release directory as it goes into the image: without what must not
// be there, and with a start that says so where it has no cookie.
func readRelease(r release.Release) (files tree.Tree, out []Left, err error) {
	all, err := tree.Read(r.Root, Root)
	if err != nil {
		return nil, nil, err
	}
	erts := false
	for _, f := range all {
		if why, leave := left(f.Path); leave {
			if !f.Mode.IsDir() {
				out = append(out, Left{f.Path, why})
			}
			continue
		}
		below := strings.TrimPrefix(f.Path, Root+"/")
		switch {
		case strings.HasPrefix(below, "erts-") && path.Base(below) == "beam.smp":
			erts = true
		case strings.HasPrefix(below, "releases/") && path.Base(below) == "env.sh":
			if f, err = guarded(f); err != nil {
				return nil, nil, err
			}
		case strings.Contains(below, "/priv/") && f.Mode.IsRegular():
			if f.Time, err = timeOf(f); err != nil {
				return nil, nil, err
			}
		}
		files = append(files, f)
	}
	if !erts {
		return nil, nil, fmt.Errorf("%w in %s: leave include_erts in mix.exs as it is (true), and build the release anew", errNoERTS, r.Root)
	}
	return files, out, nil
}

var errNoERTS = errors.New("no ERTS (no Erlang virtual machine)")

// timeOf makes a file's time of its content. Times have to be the same for the same
// content, wherever it was built; and Plug.Static makes an ETag of a file's time and
// length, so that with one time for all a changed file of the same length would stay in
// browsers.
func timeOf(f tree.File) (int64, error) {
	r, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	h := fnv.New64a()
	if _, err := io.Copy(h, r); err != nil {
		return 0, err
	}
	const year1980, thirtyYears = 315532800, 946684800
	return year1980 + int64(h.Sum64()%thirtyYears), nil
}

// guarded puts the guard behind a release's env.sh, which every command of bin/NAME reads.
func guarded(f tree.File) (tree.File, error) {
	text, err := f.Content()
	if err != nil {
		return f, err
	}
	g := tree.Text(f.Path, strings.TrimRight(string(text), "\n")+"\n"+guard, f.Mode)
	return g, nil
}

// guard stands in for releases/COOKIE, which is not in the image. A node that others can
// reach has to be given a cookie, and says so in one line. One that nobody outside of the
// container can reach makes one up, and keeps it where `bin/NAME rpc` and the like, of the
// same container, find it. What runs without a node gets one for this time only.
const guard = `
# From here on added by phial build: releases/COOKIE is not in the image.
if [ -z "${RELEASE_COOKIE:-}" ]; then
  case "${RELEASE_COMMAND:-} ${RELEASE_DISTRIBUTION:-sname} ${RELEASE_NODE:-}" in
    eval\ * | version\ * | \ * | *\ none\ *)
      RELEASE_COOKIE=$(cat /proc/sys/kernel/random/uuid)
      ;;
    *@127.0.0.1 | *@::1)
      phial_own="${RELEASE_TMP:-/tmp}/cookie"
      if [ ! -s "$phial_own" ]; then
        (umask 077 && mkdir -p "${RELEASE_TMP:-/tmp}" && cat /proc/sys/kernel/random/uuid >"$phial_own") || exit 1
      fi
      RELEASE_COOKIE=$(cat "$phial_own")
      unset phial_own
      ;;
    *)
      echo "ERROR: RELEASE_COOKIE is not set: give every replica the same one, from a Secret (RELEASE_DISTRIBUTION=none runs without a node)" >&2
      exit 1
      ;;
  esac
  export RELEASE_COOKIE
fi
`
