package settings

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/phialdev/phial/internal/beam"
)

// File is the file in the run directory that the settings are left in.
const File = "agent.json"

// maxFile bounds what is read of it, in bytes.
const maxFile = 64 << 10

// Write leaves the settings in a directory, in one go, for everybody there to read.
func (s Settings) Write(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+File+".new")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("leave the settings for the app's container: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Chmod(0o644) // whatever the umask is
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(dir, File))
	}
	if err != nil {
		return fmt.Errorf("leave the settings for the app's container: %w", err)
	}
	return nil
}

// Read reads the settings that Write left in a directory. What they do not say has its
// default.
func Read(dir string) (Settings, error) {
	f, err := os.Open(filepath.Join(dir, File))
	if err != nil {
		return Settings{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Settings{}, err
	}
	s := Default()
	if err := json.Unmarshal(text, &s); err != nil {
		return Settings{}, fmt.Errorf("%s is not what the supervisor writes: %w", f.Name(), err)
	}
	return s, nil
}

// Find gives the settings of the pod that this process runs in: those that its
// supervisor left or, where there are none, those of the environment, of which problems
// are left out, and defaults. The directories are always this process's own.
func Find(env func(string) string) Settings {
	own, _ := FromEnv(env) // what has a problem has its default
	s, err := Read(own.RunDir)
	if err != nil {
		return own
	}
	s.RunDir = own.RunDir
	if env(beam.EnvPhialAgentBin) != "" {
		s.BinDir = own.BinDir
	}
	return s
}
