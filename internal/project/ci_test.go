package project

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// A script that stands elsewhere in the file, under an anchor, is a step like any other;
// anchors that hold themselves, or one another many times, end.
func TestScriptsByAnchor(t *testing.T) {
	const anchors = ".build: &build\n  - mix release\n  - docker build -t shop:1.0.0 .\n"
	for name, text := range map[string]string{
		"the script":   anchors + "job:\n  script: *build\n",
		"within one":   anchors + "job:\n  script:\n  - mix test\n  - *build\n",
		"of one line":  ".build: &build docker build -t shop:1.0.0 .\njob:\n  script: *build\n",
		"holds itself": "job:\n  script: &a\n  - docker build -t shop:1.0.0 .\n  - *a\n",
	} {
		t.Run(name, func(t *testing.T) {
			found := false
			for _, s := range read(t, "mix.exs", "", ".gitlab-ci.yml", text).CI {
				for _, tag := range s.ImageTags() {
					found = found || tag.Ref == "shop:1.0.0"
				}
			}
			if !found {
				t.Errorf("no step names the image:\n%s", text)
			}
		})
	}
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [mix test]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%smix test]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 8))
	}
	bomb.WriteString("job:\n  script: *a39\n")
	done := make(chan struct{})
	go func() {
		read(t, "mix.exs", "", ".gitlab-ci.yml", bomb.String())
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

func TestImageTags(t *testing.T) {
	for text, want := range map[string]string{
		"docker build -t app:1 .":                                                        "app:1=1",
		"docker build --tag=registry:5000/app .":                                         "registry:5000/app=",
		"docker buildx build --push -t a/b:latest -t a/b:$SHA .":                         "a/b:latest=latest a/b:$SHA=$SHA",
		"docker build \\\n  -t app:2 \\\n  .":                                            "app:2=2",
		"docker tag app:0 app:3 && docker push app:4":                                    "app:3=3 app:4=4",
		"podman push \"$IMAGE\"":                                                         "$IMAGE=?",
		"docker push ${{ env.IMAGE }}:${{ github.sha }}":                                 "${{ env.IMAGE }}:${{ github.sha }}=${{ github.sha }}",
		"/kaniko/executor --context . --destination r/app:v1":                            "r/app:v1=v1",
		"docker run -t app":                                                              "",
		"echo docker":                                                                    "",
		"docker run -v a:b --rm app:1 test":                                              "",
		"mix release":                                                                    "",
		"buildah bud -t r/app:1 . && buildah push r/app:2":                               "r/app:1=1 r/app:2=2",
		"buildah push --creds u:p $ctr docker://r/app:2":                                 "r/app:2=2",
		"buildah push app oci:out":                                                       "",
		"buildah manifest push --all app docker://r/app:$SHA":                            "r/app:$SHA=$SHA",
		"buildah commit $ctr r/app:3":                                                    "r/app:3=3",
		"buildah tag app r/app:4 r/app:latest":                                           "r/app:4=4 r/app:latest=latest",
		"skopeo copy oci:out docker://r/app:5":                                           "r/app:5=5",
		"skopeo copy --src-creds=u:p --dest-creds u:p docker://a/app:1 docker://r/app:6": "r/app:6=6",
		"skopeo copy docker://r/app:7 dir:out":                                           "",
		"skopeo inspect docker://r/app:8":                                                "",
		"podman push app:9 docker://r/app:9":                                             "r/app:9=9",
		"docker tag a r/a:1; docker push r/a:2":                                          "r/a:1=1 r/a:2=2",
		"docker push r/a:$(git rev-parse --short HEAD)":                                  "r/a:$(git rev-parse --short HEAD)=$(git rev-parse --short HEAD)",
	} {
		s := read(t, "mix.exs", "", ".gitlab-ci.yml", "a:\n  script:\n    - |\n      "+strings.ReplaceAll(text, "\n", "\n      ")+"\n").CI
		if len(s) != 1 || s[0].At.Line != 4 {
			t.Errorf("%s: %+v", text, s)
			continue
		}
		var all []string
		for _, tag := range s[0].ImageTags() {
			if tag.Computed() {
				tag.Tag = "?"
			}
			all = append(all, tag.Full+"="+tag.Tag)
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// What a pipeline sets as variables is put into the names of images, from the nearest place.
func TestImageTagsOfVariables(t *testing.T) {
	const hub, lab = ".github/workflows/ci.yml", ".gitlab-ci.yml"
	for name, c := range map[string]struct{ file, text, want string }{
		"of the step":            {hub, "jobs: {a: {steps: [{env: {IMAGE: \"r/a:${{ github.sha }}\"}, run: docker push $IMAGE}]}}", "r/a:${{ github.sha }}=${{ github.sha }}"},
		"of the job":             {hub, "jobs: {a: {env: {T: v1}, steps: [{run: 'docker push r/a:$T'}]}}", "r/a:v1=v1"},
		"of all":                 {hub, "jobs: {a: {steps: [{run: 'docker push r/a:${T}'}]}}\nenv: {T: v1}", "r/a:v1=v1"},
		"as GitHub puts it in":   {hub, "env: {T: v1}\njobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {tags: 'r/a:${{ env.T }}'}}]}}", "r/a:v1=v1"},
		"the nearest":            {hub, "env: {T: v1}\njobs: {a: {env: {T: v2}, steps: [{run: 'docker push r/a:$T'}]}}", "r/a:v2=v2"},
		"another job's":          {hub, "jobs: {a: {env: {T: v1}, steps: []}, b: {steps: [{run: 'docker push r/a:$T'}]}}", "r/a:$T=$T"},
		"of one another":         {lab, "variables: {T: $CI_COMMIT_SHA, IMAGE: 'r/a:$T'}\na: {script: [docker push $IMAGE]}", "r/a:$CI_COMMIT_SHA=$CI_COMMIT_SHA"},
		"of itself":              {lab, "variables: {T: '$T$T'}\na: {script: ['docker push r/a:$T']}", "?"},
		"with a description":     {lab, "variables: {T: {value: v1, description: what}}\na: {script: ['docker push r/a:$T']}", "r/a:v1=v1"},
		"by an anchor":           {lab, ".v: &v {T: v1}\na: {variables: *v, script: ['docker push r/a:$T']}", "r/a:v1=v1"},
		"set by the script":      {lab, "variables: {T: v1}\na: {script: ['T=v2', 'docker push r/a:$T']}", "r/a:$T=$T"},
		"another that is set":    {lab, "variables: {T: v1}\na: {script: ['LAST=v2', 'docker push r/a:$T']}", "r/a:v1=v1"},
		"with a colon in it all": {lab, "variables: {R: 'registry:5000'}\na: {script: ['docker push $R/a']}", "registry:5000/a="},
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for _, s := range read(t, "mix.exs", "", c.file, c.text).CI {
				for _, tag := range s.ImageTags() {
					if len(tag.Full) > 2*maxReference {
						t.Errorf("%d bytes", len(tag.Full))
					}
					all = append(all, tag.Full+"="+tag.Tag)
				}
			}
			if got := strings.Join(all, " "); got != c.want && c.want != "?" {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A pipeline that can't be read is said to be so, with the reason and the place.
func TestUnreadCI(t *testing.T) {
	for text, want := range map[string]string{
		"a: {script: [mix test]}":     "",
		"":                            "",
		"include: [a.yml]":            "",
		"a: [\n":                      ".gitlab-ci.yml:1: it is no YAML: ",
		"a: b\nc: {d\ne: f\n":         ".gitlab-ci.yml:1: it is no YAML: ",
		"a: 1\n---\n\tb: 2\n":         ".gitlab-ci.yml:",
		strings.Repeat("a: b\n", 3e5): ".gitlab-ci.yml: it is larger than 1 MiB",
	} {
		got := ""
		for _, u := range read(t, "mix.exs", "", ".gitlab-ci.yml", text).CIUnread {
			got += u.At.String() + ": " + u.What
		}
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%.30q: got %q, want %q", text, got, want)
		}
	}
}

// The pipelines of a tree are read whether it is a project or not, and nothing else of it is.
func TestReadCI(t *testing.T) {
	tree := fstest.MapFS{
		"lib/a.ex":                        {Data: []byte("(")},
		".gitlab-ci.yml":                  {Data: []byte("build: {script: [mix release]}\n")},
		".github/workflows/ci.yaml":       {Data: []byte("jobs: {b: {steps: [{run: docker build -t a:1 .}]}}\n")},
		".github/workflows/broken.yml":    {Data: []byte("jobs: [\n")},
		".github/workflows/notes.txt":     {Data: []byte("no pipeline")},
		".github/workflows/more/deep.yml": {Data: []byte("jobs: {}\n")},
	}
	p, err := ReadCI(tree, ".gitlab-ci.yml", "Jenkinsfile")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{".github/workflows/broken.yml", ".github/workflows/ci.yaml"}; !slices.Equal(p.Workflows(), want) {
		t.Errorf("%q", p.Workflows())
	}
	if len(p.CI) != 2 || len(p.CIUnread) != 1 || p.CIUnread[0].At.File != ".github/workflows/broken.yml" || !p.Has(".gitlab-ci.yml") || p.Has("Jenkinsfile") || len(p.Broken) > 0 {
		t.Errorf("%+v %+v %+v", p.CI, p.CIUnread, p.Broken)
	}
}
