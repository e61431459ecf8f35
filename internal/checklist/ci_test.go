package checklist

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/phialdev/phial/internal/project"
)

// around is a repository with a workflow at its root.
func around(t *testing.T, workflow string, names bool) *Around {
	t.Helper()
	a := &Around{Up: "../..", Down: "apps/shop", Root: input(t, with()).Project}
	if workflow != "" {
		a.Root = input(t, with(workflows, workflow)).Project
	}
	if names {
		a.Names = []string{"../../" + workflows}
	}
	return a
}

// A project below the root of its repository has its CI there.
func TestAround(t *testing.T) {
	const builds = "    - run: docker build -t r/shop:$SHA apps/shop && docker push r/shop:$SHA\n"
	for _, c := range []struct {
		name     string
		files    map[string]string
		workflow string
		names    bool
		state    State
		want     string
	}{
		{"a workflow at the root", with(), builds, true, Passed, "../../.github/workflows/ci.yml:1:12: builds: docker build"},
		{"one of others", with(), builds, false, NotKnown, "ci.yml:1:12: builds: docker build; nothing there names apps/shop"},
		{"one that pushes latest", with(), "    - run: docker build -t r/shop:latest apps/shop && docker push r/shop:latest\n", true, Failed, "../../.github/workflows/ci.yml:1:28: the tag is latest"},
		{"one that is broken", with(), "jobs: [\n", true, NotKnown, "../../.github/workflows/ci.yml:1: could not be read"},
		{"one that only tests", with(), "    - run: mix test\n", true, Failed, "no line of ../../.github/workflows/ci.yml builds"},
		{"none", with(), "", false, Failed, "no workflow of a CI service seen at the repository's root, ../.."},
		{"none but where nobody looks", with(workflows, builds), "", false, Failed, ".github/workflows/ci.yml: the repository's root is ../.., and CI services look there alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := input(t, c.files)
			in.Around = around(t, c.workflow, c.names)
			l := line(t, in, "ci")
			if got := say(l); l.State != c.state || !strings.Contains(got, c.want) {
				t.Errorf("want %s with %q, got:\n%s", c.state, c.want, got)
			}
			if l.State != Passed && len(l.Commands) == 0 {
				t.Error("nothing says what would settle it")
			}
		})
	}
}

// What is said of CI stands where it is said to.
func FuzzCI(f *testing.F) {
	f.Add("- run: docker build -t a:latest . && docker push a:latest\n")
	f.Add("- run: |\n    # docker push\n    docker build \\\n      --push -t a:latest . # phial build\n")
	f.Add("a:\n  script: >\n    mix release\n    docker push a:${{ github.sha }}\n")
	f.Add("- uses: docker/build-push-action@v6\n  with: {push: true, tags: \"a:latest\\nb:$SHA\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := project.Read(fstest.MapFS{"mix.exs": &fstest.MapFile{Data: []byte(plainMix)}, workflows: &fstest.MapFile{Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		w := pipelinesOf(p, "")
		lines := strings.Split(text, "\n")
		for _, s := range slices.Concat(w.builds, w.pushes, w.versioned, w.latest) {
			if s.at.File != workflows || s.at.Line < 1 || s.at.Col < 1 || s.at.Line > len(lines) || s.at.Col > len(lines[s.at.Line-1])+1 {
				t.Errorf("%+v of %q", s, text)
			}
		}
	})
}
