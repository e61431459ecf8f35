package logs

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/phialdev/phial/internal/engine/local"
)

// kept adds to the error of an app that is not up where the logs of its last run
// are, or of the last run of any where no name was given.
func kept(err error, name string) error {
	if !errors.Is(err, local.ErrNotRunning) {
		return err
	}
	all, listErr := local.KeptLogs()
	if listErr != nil {
		return err
	}
	for _, k := range all {
		if name == "" || name == k.Name {
			return fmt.Errorf("%w; the logs of the last run of %s are in %s", err, k.Name, filepath.Join(k.Dir, "logs"))
		}
	}
	return err
}
