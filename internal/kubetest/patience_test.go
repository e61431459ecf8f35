package kubetest

import (
	"testing"
	"time"
)

func TestPatient(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": time.Second, "1": time.Second, "8": 8 * time.Second,
		"0": time.Second, "-3": time.Second, "much": time.Second,
	} {
		t.Setenv("PHIAL_PATIENCE", value)
		if got := patient(time.Second); got != want {
			t.Errorf("PHIAL_PATIENCE=%q: %v, want %v", value, got, want)
		}
	}
}
