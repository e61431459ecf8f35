package check

import (
	"fmt"

	"github.com/phialdev/phial/internal/finding"
)

// Rule is one thing that a check looks for: data, and a function that looks.
type Rule struct {
	Code       finding.Code
	Title      string           // a few words, for lists and headings
	Severity   finding.Severity // at most; a finding may weigh less
	Confidence Confidence       // at most
	Looks      string           // what it looks at, and when it speaks
	Why        string           // what happens, and how
	Fix        string           // what to do; a finding may know better
	Mends      bool             // phial check --fix mends some of what it finds, where that is safe
	Needs      Needs            // without one of these it is not checked, which is not the same as passed
	// Covers are codes of failures that it finds under its own code: whoever asks for one of them is led here.
	Covers []finding.Code
	// Hides are the codes that follow from this one: such a finding about the same subject is shown beneath it.
	Hides []finding.Code
	Check func(*Input, *Finder)
}

// Confidence says how sure a finding is. Only what is certain may be an error, and only what is likely a warning.
type Confidence uint8

// Confidences, least first.
const (
	Hint    Confidence = iota // it may be meant so; worth a look
	Likely                    // it depends on what was not seen
	Certain                   // it stands there
)

func (c Confidence) String() string {
	return [...]string{"hint", "likely", "certain"}[min(c, Certain)]
}

// MarshalText gives the word.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads it.
func (c *Confidence) UnmarshalText(b []byte) error {
	for _, v := range []Confidence{Hint, Likely, Certain} {
		if string(b) == v.String() {
			*c = v
			return nil
		}
	}
	return fmt.Errorf("confidence %q is none of hint, likely, certain", b)
}

// heaviest is the severity that a confidence allows.
func (c Confidence) heaviest() finding.Severity {
	return [...]finding.Severity{finding.Info, finding.Warning, finding.Error}[min(c, Certain)]
}

// Needs are the inputs that a rule can't do without.
type Needs uint16

// The inputs there may be.
const (
	Manifests Needs = 1 << iota // at least one Kubernetes object
	Templates                   // Helm's sources
	Project                     // a mix project
	Dockerfile
	CI
	EnvSh
	Prediction // the mesh that project and manifests would give
	Kubernetes // manifests, or Helm's templates
	Deployment // manifests, or a mix project
)

var needNames = []struct {
	need Needs
	name string
}{
	{Manifests, "Kubernetes manifests"}, {Templates, "a Helm chart's templates"}, {Project, "a mix project"},
	{Dockerfile, "a Dockerfile"}, {CI, "a CI workflow"}, {EnvSh, "rel/env.sh.eex"}, {Prediction, "a prediction of the mesh"},
	{Kubernetes, "Kubernetes manifests or a Helm chart's templates"}, {Deployment, "Kubernetes manifests or a mix project"},
}

// Names are the inputs as people call them.
func (n Needs) Names() []string {
	names := []string{}
	for _, v := range needNames {
		if n&v.need != 0 {
			names = append(names, v.name)
		}
	}
	return names
}
