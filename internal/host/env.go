// Package host is what several rooms need of the machine they run on: environments as
// lists, programs in a PATH that is not our own, files that are this user's alone.
package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// InheritedEnv is what a replica, a build or a console keeps of the
// environment it is called from: all but what speaks of another release or
// another emulator, and what is Phial's own.
func InheritedEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		k, _, _ := strings.Cut(kv, "=")
		switch k {
		case "ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ERL_LIBS", "ERL_COMPILER_OPTIONS", "ERL_FULLSWEEP_AFTER":
			return false // ERL_AFLAGS is kept so that ours can go behind it
		case "BINDIR", "ROOTDIR", "EMU", "PROGNAME": // of the emulator that called us, if one did
			return true
		}
		return strings.HasPrefix(k, "RELEASE_") || strings.HasPrefix(k, "ERL_") || strings.HasPrefix(k, "PHIAL_")
	})
}

// MergeEnv puts environments behind one another; of one name the last counts.
func MergeEnv(envs ...[]string) []string {
	at := map[string]int{}
	var out []string
	for _, kv := range slices.Concat(envs...) {
		k, _, _ := strings.Cut(kv, "=")
		if i, ok := at[k]; ok {
			out[i] = kv
			continue
		}
		at[k] = len(out)
		out = append(out, kv)
	}
	return out
}

// GetEnv gives the value of a name, or "".
func GetEnv(env []string, key string) string {
	v, _ := LookupEnv(env, key)
	return v
}

// LookupEnv gives the value of a name, and whether there is one.
func LookupEnv(env []string, key string) (string, bool) {
	for _, kv := range slices.Backward(env) {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v, true
		}
	}
	return "", false
}

// LookPath finds a program in the PATH of env.
func LookPath(name string, env []string) (string, error) {
	for _, dir := range filepath.SplitList(GetEnv(env, "PATH")) {
		path := filepath.Join(dir, name)
		if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil {
			return filepath.Abs(path)
		}
	}
	return "", exec.ErrNotFound
}
