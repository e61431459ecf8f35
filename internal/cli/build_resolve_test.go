package cli

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/cli/term"
)

// beamApp is a phial.yaml with comments that must stay.
func beamApp(image string) string {
	return `# Our shop.
apiVersion: phial.dev/v1alpha1
kind: BeamApp
metadata: {name: tally}
spec:
  image: ` + image + ` # set by phial build
  replicas: 3   # of these
`
}

func pod(name, image string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\nspec:\n  containers:\n    - name: app # the one\n      image: " + image + "\n"
}

func TestBuildResolve(t *testing.T) {
	d := newDesk(t)
	repo := d.repo.Name()
	file := d.write("phial.yaml", beamApp(repo+":0.9"))
	d.write("k8s/a.yaml", pod("a", repo))
	d.write("k8s/b.yml", pod("b", "example.com/other:1"))
	d.write("k8s/c.yaml", pod("c", repo+":old")+"---\n"+pod("d", "example.com/other:1"))
	d.write("k8s/notes.txt", "image: "+repo+"\n")
	args := []string{"--release-dir", d.release, "--push", repo, "--resolve", file, "--resolve", "k8s", "--print-digest"}

	got := d.made(args...)
	is := repo + ":1.0.0" + got.out[strings.Index(got.out, "@"):len(got.out)-1]
	want := d.files()
	want["phial.yaml"] = beamApp(is)
	want["k8s/a.yaml"] = pod("a", is)
	want["k8s/c.yaml"] = pod("c", is) + "---\n" + pod("d", "example.com/other:1")
	sameFiles(t, "resolved", want, d.files())
	if n := strings.Count(got.err, " refers to "+is+" now\n"); n != 3 || strings.Count(got.err, "\n") != 3 {
		t.Errorf("%v", got)
	}

	// Once more: nothing changes, and nothing is said to have changed.
	if got := d.made(args...); got.err != "" {
		t.Errorf("again: %v", got)
	}
	sameFiles(t, "again", want, d.files())

	// With a tag of one's own, and another image behind it, the digest is that one's.
	got = d.made("--release-dir", d.release, "--push", repo+":next", "--resolve", file, "--label", "a=b", "--print-digest")
	if other := repo + ":next" + got.out[strings.Index(got.out, "@"):len(got.out)-1]; d.read(file) != beamApp(other) {
		t.Errorf("%v\nmade phial.yaml\n%s", got, d.read(file))
	}
}

// What can't be resolved stops the push, and no file is changed: not the good ones, either.
func TestBuildResolveRefused(t *testing.T) {
	d := newDesk(t)
	repo := d.repo.Name()
	d.write("good.yaml", beamApp(repo+":0.9"))
	d.write("other.yaml", pod("b", "example.com/other:1"))
	d.write("broken.yaml", "kind: [\n")
	d.write("others/b.yaml", pod("b", "example.com/other:1"))
	d.write("none/notes.txt", "nothing\n")
	before := d.files()
	for file, want := range map[string]string{
		"other.yaml":  "--resolve: other.yaml refers to no image of " + repo,
		"others":      "--resolve: others refers to no image of " + repo,
		"none":        "holds no file that ends in .yaml",
		"broken.yaml": "broken.yaml",
		"gone.yaml":   "there is no gone.yaml",
		"-":           "--resolve changes files, and standard input is none",
	} {
		got := d.build("--release-dir", d.release, "--push", repo, "--resolve", "good.yaml", "--resolve", file)
		oneLineSaid(t, file, got, want)
		sameFiles(t, file, before, d.files())
		if tags := d.tags(); len(tags) != 0 {
			t.Fatalf("%s: pushed all the same: %q", file, tags)
		}
	}
}

func TestBuildResolveWithoutAPush(t *testing.T) {
	d := newDesk(t)
	file := d.write("phial.yaml", beamApp(d.repo.Name()+":0.9"))
	before := d.files()
	d.order(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	got := d.build("--release-dir", d.release, "--push", d.repo.Name(), "--resolve", file)
	d.order(nil)
	oneLineSaid(t, "a registry that refuses", got, "push to "+d.repo.Name()+": the registry refuses (403): log in with `docker login`", "no tag was set")
	sameFiles(t, "a registry that refuses", before, d.files())
	if tags := d.tags(); len(tags) != 0 {
		t.Errorf("tags %q", tags)
	}
}

// A link stays one, and the file behind it keeps who may read it.
func TestBuildResolveKeepsLinkAndMode(t *testing.T) {
	d := newDesk(t)
	file := d.write("real/phial.yaml", beamApp(d.repo.Name()))
	chmod(t, file, 0o640)
	symlink(t, file, filepath.Join(d.work, "phial.yaml"))
	d.made("--release-dir", d.release, "--push", d.repo.Name(), "--resolve", "phial.yaml")
	if text := d.read(file); !strings.Contains(text, "@sha256:") || mode(t, file) != 0o640 || d.files()["phial.yaml"] != "L---------" {
		t.Errorf("mode %o, the link is %q, and the file\n%s", mode(t, file), d.files()["phial.yaml"], text)
	}
	if all := d.files(); len(all) != 4 {
		t.Errorf("something was left: %q", all)
	}
}

func sameFiles(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: files (-want +got):\n%s", what, diff)
	}
}

// oneLineSaid demands exit status 2, one line on standard error with these parts, and nothing
// on standard output.
func oneLineSaid(t *testing.T, what string, got said, parts ...string) {
	t.Helper()
	if got.code != term.Cannot || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.HasPrefix(got.err, "phial: ") {
		t.Errorf("%s: want status 2 and one line: %v", what, got)
	}
	for _, p := range parts {
		if !strings.Contains(got.err, p) {
			t.Errorf("%s: %q is not in %q", what, p, got.err)
		}
	}
}
