package up

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
