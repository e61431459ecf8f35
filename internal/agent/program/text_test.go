package program

import (
	"strings"
	"testing"
)

func TestMeshTextOfALook(t *testing.T) {
	long := strings.Repeat("no answer, ", 20)
	for body, want := range map[string]string{
		`{"self":{"node":"shop@10.0.0.7"},"report":{"islands":[["shop@10.0.0.7"]]}}`:                          "0 of 0 links up, 1 island\n",
		`{"self":{"node":"shop@10.0.0.7"},"report":{"islands":[["a@b.c"],["b@b.c"]],"links":{"expected":1}}}`: "0 of 1 links up, 2 islands\n",
		`{"self":{"node":"shop@10.0.0.7","reason":"` + long + `"}}`:                                           "…\n",
		`{"self":{"node":"a@b.c"},"others":[{"node":"b@b.c","ageSeconds":-1,"error":"` + long + `"}]}`:        "never  no answer, no answer",
	} {
		var b strings.Builder
		if err := meshText(&b, []byte(body)); err != nil || !strings.Contains(b.String(), want) || strings.Contains(b.String(), long) {
			t.Errorf("%v: no %q in\n%s", err, want, b.String())
		}
	}
}
