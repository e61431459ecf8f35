package check

import (
	"strings"
	"testing"
)

// A name of a port that is not there is one mistake, whoever asks for it; the others go beneath the first.
func TestMissingPortIsOneFinding(t *testing.T) {
	in := shop(t, []change{{"k8s.yaml", "{name: http, containerPort: 4000}", "{name: web, containerPort: 4000}"}})
	var top, beneath int
	for _, f := range Run(in, Options{}).Findings {
		if f.Code != "HLT-05" {
			continue
		}
		top++
		beneath += len(f.Beneath)
		if want := "ask the port web, or call the container's port http"; f.Fix != want {
			t.Errorf("the fix is %q, want %q", f.Fix, want)
		}
	}
	if top != 1 || beneath != 3 {
		t.Errorf("%d findings with %d beneath, want 1 with 3: three probes and a Service", top, beneath)
	}
}

// A port whose number can't be read has its name all the same.
func TestPortInQuotesHasAName(t *testing.T) {
	in := shop(t, []change{{"k8s.yaml", "containerPort: 4000", `containerPort: "4000"`}})
	for _, f := range Run(in, Options{}).Findings {
		if f.Code == "HLT-05" && strings.Contains(f.Cause, "do not have") {
			t.Errorf("%s: %s", f.At, f.Cause)
		}
	}
}
