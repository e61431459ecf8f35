package manifest

import (
	"errors"
	"fmt"
	"strings"
)

// A step of a path is a name, or what stands in brackets: an index, or a name with dots
// in it.
type step struct {
	name      string
	bracketed bool
}

// parsePath takes a path like spec.env[0].name or metadata.annotations[a.b/c] apart.
func parsePath(path string) ([]step, error) {
	var steps []step
	for rest := path; rest != ""; {
		var s step
		if inside, after, ok := bracketed(rest); ok {
			s, rest = step{inside, true}, after
		} else {
			if rest[0] == '.' && len(steps) > 0 {
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			s, rest = step{name: rest[:end]}, rest[end:]
		}
		if s.name == "" {
			return nil, fmt.Errorf("%q is no path: write it as spec.env[0].name", path)
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return nil, errors.New("a path is missing: write it as spec.env[0].name")
	}
	return steps, nil
}
