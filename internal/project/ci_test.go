package project

import (
	"fmt"
	"strings"
	"testing"
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
