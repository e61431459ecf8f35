package up

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// options are what up makes of arguments, with what it says on standard error.
func options(t *testing.T, args ...string) (f *Flags, stderr string, err error) {
	t.Helper()
	var errs bytes.Buffer
	f = &Flags{}
	cmd := &cobra.Command{SilenceErrors: true, SilenceUsage: true, RunE: func(_ *cobra.Command, args []string) (err error) {
		f.opts, err = f.Options(args)
		return err
	}}
	f.Add(cmd)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.Execute()
	return f, errs.String(), err
}

// What is wrong with a file is said as phial render says it.
func TestProblemsOfTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "phial.yaml")
	text := "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: a}\nspec:\n  imgae: a\n  replicas: x\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, err := options(t, "-f", file)
	want := file + ":5:3: spec.imgae: there is no such field; did you mean image?\n" +
		file + ":6:13: spec.replicas: want a whole number, found the string \"x\"\n"
	if d := cmp.Diff(want, stderr); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if want := file + ": 2 problems; nothing was started"; err == nil || err.Error() != want {
		t.Errorf("ended with %v, not %s", err, want)
	}

	none := filepath.Join(t.TempDir(), "none.yaml")
	_, _, err = options(t, "-f", none)
	if err == nil || !strings.HasPrefix(err.Error(), "there is no "+none+": phial init writes one") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// The engine knows where the fields stand, to name the place in what it warns of.
func TestFieldsHaveTheirPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "phial.yaml")
	text := "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: a}\nspec:\n  image: a:1\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f, _, err := options(t, "-f", file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.opts.At("spec.image"), file+":5:10"; got != want {
		t.Errorf("spec.image is at %s, not %s", got, want)
	}
}

func TestParseEnv(t *testing.T) {
	got, err := parseEnv([]byte("# of this machine\n\nA=1\nexport B=\"two words\"\r\nC='=x'\nD=\nE=a#b\nA=2\nF=\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "2", "B": "two words", "C": "=x", "D": "", "E": "a#b", "F": `"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"A=1\nhush", "A=1\n=hush", "A=1\nB-C=hush"} {
		if _, err := parseEnv([]byte(bad)); err == nil || !strings.HasPrefix(err.Error(), "2: ") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
