package local

import (
	"testing"

	"github.com/phialdev/phial/internal/plan"
)

// A warning has the form that phial render gives it, with the place where it is known.
func TestWarning(t *testing.T) {
	w := plan.Warning{Path: "spec.image", Code: "XYZ-01", Text: "no version"}
	const text = "warning: spec.image: no version (phial explain XYZ-01)"
	if got := (&Options{}).warning(w); got != text {
		t.Errorf("without a file: %s", got)
	}
	o := &Options{At: func(field string) string { return "phial.yaml:5:10 of " + field }}
	if got := o.warning(w); got != "phial.yaml:5:10 of spec.image: "+text {
		t.Errorf("with a file: %s", got)
	}
}
