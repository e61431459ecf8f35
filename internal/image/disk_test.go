package image_test

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/release"
	"github.com/phialdev/phial/internal/testkit"
)

// A disk that is full is said in one line, and leaves nothing behind but a cache.
func TestAFullDiskUnderTheCache(t *testing.T) {
	r := open(t, beamtest.BuildRelease(t, tally))
	if !testkit.Unshared(t, "--mount") {
		return
	}
	for _, size := range []string{"64k", "3m"} {
		_, err := image.Build(t.Context(), image.Options{Releases: []release.Release{r}, Base: image.Assemble, Cache: testkit.SmallDisk(t, size)})
		if err == nil || !strings.Contains(err.Error(), "is full") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line", size, err)
		}
	}
}
