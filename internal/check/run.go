package check

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
)

// Options say which rules run and what of their findings counts.
type Options struct {
	Rules    []*Rule          // in their order; nil = all
	Severity finding.Severity // the least that is shown and counted
	Ignore   []Ignore         // of phial-check.yaml
	Exclude  []*Exclude       // of phial-check.yaml, after the files were read
	Baseline *Baseline        // nil = none
}

// Report is what a check has found.
type Report struct {
	Findings   []Finding    `json:"findings"`
	NotChecked []NotChecked `json:"notChecked"`
	Suppressed []Suppressed `json:"suppressed"`
	Looked     Looked       `json:"looked"`
	Meshes     []Mesh       `json:"predicted,omitempty"` // what it would give, where that was worked out, for each environment
}

// NotChecked is a rule that could not look.
type NotChecked struct {
	Code    finding.Code `json:"code"`
	Title   string       `json:"title"`
	Missing []string     `json:"missing"` // inputs
}

// Suppressed is a finding that somebody decided about.
type Suppressed struct {
	Finding Finding `json:"finding"`
	By      string  `json:"by"` // FILE:LINE, or the baseline
	Reason  string  `json:"reason"`
}

// Looked is what was looked at.
type Looked struct {
	Rules   int      `json:"rules"`
	Objects int      `json:"objects"`
	Project string   `json:"project,omitempty"` // its directory
	Beams   []Judged `json:"releases"`          // the workloads that are taken for BEAM releases
	Others  int      `json:"otherWorkloads"`
	// Environments are what was looked at apart, where the same stands in several places.
	Environments []string `json:"environments,omitempty"`
}

// Judged is a workload, and why it is taken for a BEAM release.
type Judged struct {
	Workload string `json:"workload"`
	File     string `json:"file"`
	Why      string `json:"why"`
}

// Count gives the number of findings of a severity. Those beneath others are not counted.
func (r *Report) Count(s finding.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Clean says that there is neither an error nor a warning.
func (r *Report) Clean() bool { return r.Count(finding.Error) == 0 && r.Count(finding.Warning) == 0 }

// Run lets rules look.
func Run(in *Input, o Options) Report {
	rules := o.Rules
	if rules == nil {
		rules = Rules()
	}
	r := Report{Findings: []Finding{}, NotChecked: []NotChecked{}, Suppressed: []Suppressed{}}
	r.Looked = in.looked()
	var found []*Finding
	var of [][]*Finding // by part
	checked := map[*Rule]bool{}
	for _, part := range in.Parts() {
		if part.Environment != "" {
			r.Looked.Environments = append(r.Looked.Environments, part.Environment)
		}
		if m := part.mesh(o); m != nil {
			r.Meshes = append(r.Meshes, *m)
		}
		own := fresh(part.find(rules, checked), found)
		found = append(found, own...)
		of = append(of, own)
	}
	for _, rule := range rules {
		if !checked[rule] {
			missing := rule.Needs &^ in.Parts()[0].Has()
			r.NotChecked = append(r.NotChecked, NotChecked{rule.Code, rule.Title, missing.Names()})
		}
	}
	r.Looked.Rules = len(checked)
	sorted(found)
	fingerprint(in, found)
	found = nil
	for _, own := range of {
		found = append(found, gather(rules, own)...)
	}
	s := suppressor{in: in, options: o, report: &r}
	found = append(s.run(found), s.extra(rules)...)
	sorted(found)
	for _, n := range found {
		if n.Severity >= o.Severity {
			r.Findings = append(r.Findings, *n)
		}
	}
	return r
}

// find lets rules look at one part, and notes which of them could.
func (in *Input) find(rules []*Rule, checked map[*Rule]bool) (found []*Finding) {
	has := in.Has()
	for _, rule := range rules {
		f := &Finder{in: in, rule: rule}
		if rule.Needs&^has == 0 {
			checked[rule] = true
			rule.Check(in, f)
		}
		for _, n := range f.found {
			n.weigh(rule)
		}
		of := len(f.found)
		in.foretell(rule, f) // which needs none of the rule's inputs
		in.placed(f.found[of:])
		in.throughAPI(f.found[of:])
		in.doubt(rule, f.found[:of], f.found[of:])
		found = append(found, f.found...)
		if f.more > 0 {
			found = append(found, tooMany(in, rule, f))
		}
	}
	return found
}

// fresh are findings, sorted, without what is there twice or was found before: what all environments have is found in each.
func fresh(found, before []*Finding) []*Finding {
	type key struct {
		code           finding.Code
		at             Span
		subject, cause string
	}
	known := make(map[key]bool, len(before)+len(found))
	again := func(n *Finding) bool {
		k := key{n.Code, n.At, n.Subject, n.Cause}
		was := known[k]
		known[k] = true
		return was
	}
	for _, n := range before {
		again(n)
	}
	sorted(found)
	return slices.DeleteFunc(found, again)
}

// doubt takes the certainty from findings that come of a project that was not read whole: those of rules that read it, and all
// that were predicted.
func (in *Input) doubt(rule *Rule, found, predicted []*Finding) {
	if in.Project == nil || len(in.Project.Broken) == 0 || rule.Code == SourceUnreadable {
		return
	}
	if rule.Needs&(Project|Prediction) != 0 {
		predicted = append(slices.Clone(found), predicted...)
	}
	for _, n := range predicted {
		n.As(min(n.Severity, finding.Warning), min(n.Confidence, Likely)).Saw("%s could not be read whole", in.Project.Broken[0].At.File)
	}
}

// tooMany says that a rule has found more than is told.
func tooMany(in *Input, rule *Rule, f *Finder) *Finding {
	itself, _ := Lookup(string(NotLookedAt))
	own := &Finder{in: in, rule: itself}
	n := own.On(string(rule.Code), f.found[len(f.found)-1].At, "%s has %d findings more than the %d that are told", rule.Code, f.more, maxFound)
	n.weigh(itself)
	return n
}

func (in *Input) looked() Looked {
	l := Looked{Beams: []Judged{}}
	if in.Project != nil {
		l.Project = cmp.Or(in.Root, ".")
	}
	if in.Objects == nil {
		return l
	}
	l.Objects = len(in.Objects.Objects)
	for w := range in.Objects.Workloads() {
		if b, ok := in.Beam(w); ok {
			l.Beams = append(l.Beams, Judged{w.Label(), w.File, b.Why})
		} else {
			l.Others++
		}
	}
	return l
}

func sorted(found []*Finding) {
	slices.SortStableFunc(found, func(a, b *Finding) int {
		return cmp.Or(
			strings.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column),
			strings.Compare(string(a.Code), string(b.Code)), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Cause, b.Cause))
	})
}

// fingerprint names findings by what they are about and not by their lines: the field's path, or, where there is none, what
// stands on the line. The same thing twice is told apart by its number.
func fingerprint(in *Input, found []*Finding) {
	seen := map[string]int{}
	for _, n := range found {
		where := n.path
		if where == "" {
			where = strings.TrimSpace(line(in, n.At))
		}
		id := strings.Join([]string{string(n.Code), filepath.ToSlash(n.At.File), n.Subject, where}, "\x00")
		seen[id]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", id, seen[id]))
		n.Fingerprint = hex.EncodeToString(sum[:8])
	}
}

func line(in *Input, at Span) string {
	text, ok := in.Text(at.File)
	if !ok || at.Line == 0 {
		return ""
	}
	for n, l := range numbered(text) {
		if n == at.Line {
			return l
		}
	}
	return ""
}

// gather puts symptoms beneath their causes: one mistake, one error.
func gather(rules []*Rule, found []*Finding) []*Finding {
	hides := map[finding.Code][]finding.Code{}
	for _, r := range rules {
		hides[r.Code] = r.Hides
	}
	type symptom struct {
		about string
		code  finding.Code
	}
	roots := map[symptom][]*Finding{}
	for _, n := range found {
		for _, code := range hides[n.Code] {
			for _, about := range append([]string{n.about}, n.over...) {
				roots[symptom{about, code}] = append(roots[symptom{about, code}], n)
			}
		}
	}
	hidden := map[*Finding]bool{}
	over := map[*Finding]*Finding{}
	for _, n := range found {
		if n.first != nil && slices.Contains(found, n.first) {
			over[n], hidden[n] = n.first, true
			continue
		}
		for _, root := range roots[symptom{n.about, n.Code}] {
			// A cause that weighs less than its symptom does not hide it.
			if root != n && root.Severity >= n.Severity && over[root] != n {
				over[n], hidden[n] = root, true
				break
			}
		}
	}
	var kept []*Finding
	for _, n := range found {
		if !hidden[n] {
			kept = append(kept, n)
			continue
		}
		root := over[n]
		for range found { // a cause may be another's symptom
			if !hidden[root] {
				break
			}
			root = over[root]
		}
		root.Beneath = append(root.Beneath, *n)
	}
	return kept
}
