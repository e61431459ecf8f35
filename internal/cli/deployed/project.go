package deployed

import (
	"errors"
	"fmt"
	"os"

	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/release"
)

// Project reads the mix project in a directory, for a verb that wants one: it is named in what is said where there is none.
func Project(dir, verb string) (*project.Project, error) {
	if err := release.CheckDir(dir); err != nil && !errors.Is(err, release.ErrNoApp) {
		return nil, err
	}
	p, err := project.Read(os.DirFS(dir))
	switch {
	case errors.Is(err, project.ErrNoProject):
		example := "DIR"
		if below := Projects(dir); len(below) > 0 {
			example = below[0]
		}
		return nil, fmt.Errorf("no mix project in %s: there is no mix.exs; name its directory (phial %s %s)", dir, verb, example)
	case err != nil:
		return nil, fmt.Errorf("read the project in %s: %w", dir, err)
	}
	return p, nil
}
