package check

import (
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// foretell adds what the prediction says of a rule's code, once for each workload and place:
// islands that nobody is told about would be the worst of silences. What the rule has said
// of the same workload or of the same object already is not said again.
func (in *Input) foretell(rule *Rule, f *Finder) {
	if in.Predicted() == nil {
		return
	}
	x := in.predicted()
	type place struct{ workload, other, at string }
	told := map[place]bool{}
	said := map[string]bool{}
	ofProject := false // the rule has spoken of the source itself
	for _, n := range f.found {
		said[n.about] = true
		ofProject = ofProject || n.object == nil
		if n.object != nil {
			said[aboutOf(n.object)] = true
		}
	}
	for _, o := range x.obstacles[rule.Code] {
		b, ok := x.beams[x.workload[o.From]]
		if !ok || said[aboutOf(b.Object)] || ofProject && in.ofProject(b) {
			continue
		}
		severity, confidence, meant := in.weighs(b, rule.Code)
		if !meant {
			continue
		}
		at, found := firstPlace(o.At)
		if found {
			if owner := in.ownerOf(at); owner != nil && said[aboutOf(owner)] {
				continue
			}
		}
		here := place{b.Label(), "", at.String()}
		if other := x.workload[o.To]; other != b.Label() && other != "" { // both sides say the same of a pair
			here = place{min(b.Label(), other), max(b.Label(), other), ""}
		}
		if told[here] {
			continue
		}
		told[here] = true
		text := o.Text
		if o.Dialled != "" {
			text = "discovery dials " + o.Dialled + ": " + text
		}
		n := f.At(b.Object, b.At("metadata.name"), "%s", text).As(severity, confidence)
		if found {
			n.At = at
		}
		// Of a code that a rule looks for in files as well, the rule's title is about those.
		if e, ok := finding.Lookup(rule.Code); ok && rule.Needs&Prediction == 0 {
			n.Title = e.Title
		}
		if r := x.replicas[o.From]; r != nil {
			for _, s := range r.Steps {
				n.Saw("%s: %s", r.ID, s.Text)
			}
		}
		n.Evidence = append(n.Evidence, x.islands)
	}
}

// weighs says how grave it is for a workload that its replicas part for a reason, and
// whether they are meant to meet at all. That they part is certain; that they should not is
// so where something is there to connect them.
func (in *Input) weighs(b Beam, code finding.Code) (finding.Severity, Confidence, bool) {
	severity, confidence := finding.Error, Certain
	if code == finding.NobodyDials || code == codeNoQuery {
		// The app's own code may connect them, or nobody.
		severity, confidence = finding.Warning, Likely
	}
	for _, r := range in.predicted().of[b.Label()] {
		if r.NoNode != "" && r.Code == string(code) {
			return finding.Error, Certain, true // it does not start, whatever it is meant for
		}
	}
	return severity, confidence, in.clustered(b) != ""
}

// codeNoQuery is of a dns_cluster that is not told what to ask for.
const codeNoQuery finding.Code = "DSC-13"

// ownerOf is the object that a place lies in; nil: none, or a file of another sort.
func (in *Input) ownerOf(at Span) (owner *manifest.Object) {
	for _, o := range in.Objects.Objects {
		if p := o.Root().Position(); o.File == at.File && p.Line <= at.Line && (owner == nil || p.Line > owner.Root().Position().Line) {
			owner = o
		}
	}
	return owner
}
