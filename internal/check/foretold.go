package check

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/spell"
)

// foretell adds what the prediction says of a rule's code, once for each workload and place:
// islands that nobody is told about would be the worst of silences. What the rule has said
// of the same workload or of the same object already is not said again.
func (in *Input) foretell(rule *Rule, f *Finder) {
	if in.Predicted() == nil {
		return
	}
	t := &teller{in: in, rule: rule, f: f, x: in.predicted(), said: map[string]bool{}, told: map[toldOf]bool{}}
	for _, n := range f.found {
		t.said[n.about] = true
		t.ofProject = t.ofProject || n.object == nil
		if n.object != nil {
			t.said[aboutOf(n.object)] = true
		}
	}
	codes := append([]finding.Code{rule.Code}, under[rule.Code]...)
	for _, code := range codes {
		for _, o := range t.x.obstacles[code] {
			t.tell(o, true)
		}
	}
	for _, code := range codes {
		for _, o := range t.x.doubts[code] {
			t.tell(o, false)
		}
	}
	t.alone()
}

// alone tells of nodes that do not boot and stand in no link: one of one replica has nobody to be kept from.
func (t *teller) alone() {
	stops := slices.Contains([]finding.Code{codeNoProgram, "IMG-22", SourceUnreadable}, t.rule.Code)
	if t.rule.Code != codeNoEPMD && !stops {
		return
	}
	for _, label := range slices.Sorted(maps.Keys(t.x.of)) {
		all := t.x.of[label]
		if r := all[0]; len(all) == 1 && r.NoNode != "" && (r.Slip == mesh.NoEPMDThere) != stops && r.Code == string(t.rule.Code) {
			t.tell(mesh.Obstacle{From: r.ID, Text: r.NoNode, At: []string{r.Node.From}, Slip: r.Slip}, true)
		}
	}
}

// teller tells what is predicted of one rule's code.
type teller struct {
	in        *Input
	rule      *Rule
	f         *Finder
	x         *predictedIndex
	said      map[string]bool // whom the rule has spoken of
	ofProject bool            // it has spoken of the source itself
	told      map[toldOf]bool
}

type toldOf struct{ workload, other, at string }

// tell tells of one obstacle: of a link that does not come up, or else of one that may not.
func (t *teller) tell(o mesh.Obstacle, sure bool) {
	in, x := t.in, t.x
	b, ok := x.beams[x.workload[o.From]]
	if !ok || t.said[aboutOf(b.Object)] || t.ofProject && in.ofProject(b) {
		return
	}
	severity, confidence, meant := in.weighs(b, t.rule.Code)
	if !meant {
		return
	}
	at, found := firstPlace(o.At)
	if found {
		if owner := in.ownerOf(at); owner != nil && t.said[aboutOf(owner)] {
			return
		}
	}
	here := toldOf{b.Label(), "", at.String()}
	if other := x.workload[o.To]; other != b.Label() && other != "" { // both sides say the same of a pair
		here = toldOf{min(b.Label(), other), max(b.Label(), other), ""}
	}
	if t.told[here] {
		return
	}
	t.told[here] = true
	text := o.Text
	other := in.meantService(t.rule.Code, o.From)
	if !sure {
		severity, confidence = ofDoubt(t.rule.Code)
		if other != "" { // a slip, most likely
			severity, confidence = finding.Warning, Likely
		}
	}
	if !sure || strings.HasPrefix(other, fullName) {
		text += other
	}
	if o.Dialled != "" {
		text = "discovery dials " + o.Dialled + ": " + text
	}
	n := t.f.At(b.Object, b.At("metadata.name"), "%s", text).As(severity, confidence)
	if found {
		n.At = at
	}
	// Of a code that a rule looks for in files as well, the rule's title is about those.
	if e, ok := finding.Lookup(t.rule.Code); ok && t.rule.Needs&Prediction == 0 {
		n.Title = e.Title
	}
	if k, ok := slips[o.Slip]; ok {
		n.Title = cmp.Or(k.title, n.Title)
		n.Mend("%s", k.fix)
	}
	if r := x.replicas[o.From]; r != nil {
		for _, s := range r.Steps {
			n.Saw("%s: %s", r.ID, s.Text)
		}
	}
	if sure {
		n.Saw("%s", in.islandsOf(b.Label(), x.workload[o.To]))
	}
}

// slips are mistakes whose code stands for something else as well, which is mended otherwise.
var slips = map[mesh.Slip]struct{ title, fix string }{
	mesh.OtherShell:   {"a start script for another shell", "write it as every sh reads it: $(echo \"$POD_IP\" | tr . -) for ${POD_IP//./-}"},
	mesh.SecondCookie: {"", "take -setcookie out of there: the start script gives RELEASE_COOKIE, and of two the BEAM takes none"},
	mesh.OnLoopback:   {"distribution on loopback alone", "take inet_dist_use_interface out, or let it be the pod's own address"},
	mesh.NoEPMDThere:  {"no EPMD for a node that needs it", "take -start_epmd false out, or give all nodes one port beside it: -erl_epmd_port 9100"},
	mesh.OfMachine:    {"a node that is named by its machine", "take status.podIP in place of status.hostIP: discovery finds pods by that"},
	mesh.MadeUpCookie: {"", "take RELEASE_COOKIE from a Secret (valueFrom: secretKeyRef), the same for all, and out of rel/env.sh.eex"},
	mesh.OverIPv6:     {"", "let the headless Service have the pods' IPv6 addresses (ipFamilies: [IPv6]), or take -proto_dist out where they have IPv4 alone"},
	mesh.NoFullHost:   {"", "give RELEASE_NODE a host: base@$POD_IP, or the pod's full name in a StatefulSet with serviceName"},
}

// codeEndsStart is of a start script that ends, or that gives no host.
const codeEndsStart finding.Code = "NAM-04"

// codeDomain is of a name in another domain than the cluster's.
const codeDomain finding.Code = "NAM-10"

// codeNoProgram is of a program that is to start the release, and is not there.
const codeNoProgram finding.Code = "IMG-21"

// ofDoubt says how grave it is that a code may be so. A script that ends with most shells is
// worth more than a hint, and so is a domain that can't be right everywhere.
func ofDoubt(code finding.Code) (finding.Severity, Confidence) {
	switch code {
	case codeEndsStart, codeDomain, codeNoProgram:
		return finding.Warning, Likely
	}
	return finding.Info, Hint
}

// fullName begins what is said of a Service that is there, and is asked for by a name that is too short.
const fullName = "; write its full name, "

// meantService is the end of a sentence about a Service that is not there: the headless one
// that selects a replica, of which discovery may be meant to ask, or where its like is.
func (in *Input) meantService(code finding.Code, id string) string {
	if code != finding.ServiceUnknown {
		return ""
	}
	n := slices.IndexFunc(in.Intent.Replicas, func(r mesh.Replica) bool { return r.ID == id })
	r := &in.Intent.Replicas[n]
	var names []string
	for _, s := range in.Intent.Services {
		if s.Headless && s.Namespace == r.Namespace && len(s.Selector) > 0 && (mesh.Selector{Labels: s.Selector}).Selects(r.Labels) {
			names = append(names, s.Name)
		}
	}
	for i := range r.Ways {
		asked := firstLabel(r.Ways[i].Query.Value)
		if asked == r.Ways[i].Query.Value && slices.Contains(names, asked) {
			return fullName + asked + "." + r.Namespace + ".svc and the cluster's domain behind it, most often cluster.local"
		}
		if hint := spell.Hint(asked, names); hint != "" {
			return hint
		}
		if n := slices.IndexFunc(in.Intent.Services, func(s mesh.Service) bool { return s.Name == asked && asked != "" }); n >= 0 {
			return "; there is one in namespace " + in.Intent.Services[n].Namespace + ", and a Service lists pods of its own namespace alone"
		}
	}
	if len(names) == 1 {
		return "; did you mean " + names[0] + ", which is headless and selects these pods?"
	}
	return ""
}

func firstLabel(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return label
}

// weighs says how grave it is for a workload that its replicas part for a reason, and
// whether they are meant to meet at all. That they part is certain; that they should not is
// so where something is there to connect them.
func (in *Input) weighs(b Beam, code finding.Code) (finding.Severity, Confidence, bool) {
	severity, confidence := finding.Error, Certain
	switch code {
	case finding.NobodyDials, codeNoQuery: // the app's own code may connect them, or nobody
		severity, confidence = finding.Warning, Likely
	case codeKeepsOut: // by a flag that somebody has set
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
func (in *Input) ownerOf(at Span) *manifest.Object {
	x := in.predicted()
	if x.inFile == nil {
		x.inFile = map[string][]*manifest.Object{}
		for _, o := range in.Objects.Objects {
			x.inFile[o.File] = append(x.inFile[o.File], o)
		}
		for _, all := range x.inFile {
			slices.SortStableFunc(all, func(a, b *manifest.Object) int { return cmp.Compare(lineOf(a), lineOf(b)) })
		}
	}
	all := x.inFile[at.File]
	after := sort.Search(len(all), func(i int) bool { return lineOf(all[i]) > at.Line })
	if after == 0 {
		return nil
	}
	line := lineOf(all[after-1])
	return all[sort.Search(after, func(i int) bool { return lineOf(all[i]) >= line })] // of several in a line the first
}

func lineOf(o *manifest.Object) int { return o.Root().Position().Line }
