package check

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phialdev/phial/internal/finding"
)

// Which rules mend is said of them, and is what their cases show.
func TestMendsIsSaid(t *testing.T) {
	mends := map[finding.Code]bool{}
	note := func(in *Input) {
		for _, f := range Run(in, Options{}).Findings {
			mends[f.Code] = mends[f.Code] || len(f.Edits) > 0
			for _, b := range f.Beneath {
				mends[b.Code] = mends[b.Code] || len(b.Edits) > 0
			}
		}
	}
	manifests, err := filepath.Glob("testdata/*/fires*.yaml")
	if err != nil || len(manifests) == 0 {
		t.Fatal(len(manifests), err)
	}
	for _, file := range manifests {
		note(input(t, file))
	}
	for _, cases := range projectCases {
		for _, c := range cases {
			note(shop(t, c.changes))
		}
	}
	archives, err := filepath.Glob("testdata/project/*/fires*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(len(archives), err)
	}
	for _, file := range archives {
		in, _ := archive(t, file)
		note(in)
	}
	for _, code := range slices.Sorted(maps.Keys(mends)) {
		if r, ok := Lookup(string(code)); !ok || r.Mends != mends[code] {
			t.Errorf("%s: Mends is to be %v, as its cases are mended", code, mends[code])
		}
	}
	for _, r := range Rules() {
		if r.Mends && !mends[r.Code] {
			t.Errorf("%s is said to mend, and none of its cases is mended", r.Code)
		}
	}
}
