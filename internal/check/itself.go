package check

import (
	"cmp"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// itself are rules about what could not be checked, and about decisions not to.
var itself = []Rule{
	{
		Code: DocumentUnreadable, Title: "a document that can't be read",
		Severity: finding.Error, Confidence: Certain,
		Looks: "Every YAML or JSON document that is named, or that lies in a directory and has an apiVersion.",
		Why:   "kubectl refuses it as well, and what it holds is checked by nobody.",
		Fix:   "mend the place that is named; the other documents were read",
		Check: func(in *Input, f *Finder) {
			if in.Objects == nil {
				return
			}
			for _, p := range in.Objects.Problems {
				f.problem(p)
			}
		},
	},
	{
		Code: AppRefused, Title: "a BeamApp that an API server refuses",
		Severity: finding.Error, Confidence: Certain,
		Looks: "Every BeamApp, held against the schema and the rules of its CustomResourceDefinition.",
		Why:   "It can't be applied, and phial render makes nothing of it.",
		Fix:   "write it as the message says; docs/reference/beamapp.md has every field",
		Check: func(in *Input, f *Finder) {
			for _, p := range in.Refused {
				f.problem(p)
			}
		},
	},
	{
		Code: NotRendered, Title: "manifests that are still to be made",
		Severity: finding.Info, Confidence: Certain,
		Looks: "Helm's templates, files that a kustomization lays over others, and what it puts into names.",
		Why:   "They are no manifests yet, so the rules about manifests say nothing of them.",
		Fix:   "check what comes out: helm template CHART | phial check . -, or kustomize build DIR | phial check . -",
		Check: notRendered,
	},
	{
		Code: NotLookedAt, Title: "files that were not looked at",
		Severity: finding.Warning, Confidence: Certain,
		Looks: "What was named, or lay in a directory, and was not read: too large, too many, unreadable; and, as a hint, Rollouts of Argo's with a workloadRef.",
		Why:   "What was not looked at is not known to be right.",
		Fix:   "name the files or directories that matter, or split what is too large",
		Check: func(in *Input, f *Finder) {
			if in.Objects == nil {
				return
			}
			for _, p := range in.Objects.Skipped {
				f.problem(p)
			}
			borrowedPods(in, f)
		},
	},
	{
		Code: SuppressionExpired, Title: "a suppression that has expired",
		Severity: finding.Info, Confidence: Certain,
		Looks: "Comments with phial:ignore, and phial-check.yaml, whose day has passed while the finding is still there.",
		Why:   "Somebody meant to look again by that day.",
		Fix:   "mend what it hides, or decide anew and set a later day",
		Check: func(*Input, *Finder) {}, // said by what applies them
	},
	{
		Code: SuppressionRefused, Title: "a suppression that does not count",
		Severity: finding.Warning, Confidence: Certain,
		Looks: "Comments with phial:ignore that name no rule, say no reason, or give no day behind until; and, as a hint, globs below exclude in phial-check.yaml that no file matches.",
		Why:   "A decision without a reason can't be looked at again by anybody else, and a glob that matches nothing leaves nothing out.",
		Fix:   "write it as phial:ignore NET-05 why it is right as it is until 2027-01-31; the day may be left out",
		Check: func(*Input, *Finder) {}, // said by what applies them
	},
	{
		Code: ObjectRefused, Title: "an object that Kubernetes does not take",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Fields that the kind does not have, and values of another type than its API wants: numbers in quotes and texts without them, quantities (1g), words (always), names that are none in DNS, for workloads, Services, ConfigMaps, Secrets, Ingresses, policies, autoscalers and roles; selectors of workloads against the labels of their own template, names of a Service's ports where it has several, and keys of Secrets and ConfigMaps that are among the manifests.",
		Why:   "The API server refuses such an object as a whole. A field that it does not have kubectl refuses, and tools that apply it all the same have it dropped without a word, so that nothing of what it says is done. The kubelet does not start a container whose variable comes from a key that is not there: CreateContainerConfigError.",
		Fix:   "write it as Kubernetes wants it",
		Mends: true,
		Hides: []finding.Code{finding.ServiceEmpty},
		Check: func(in *Input, f *Finder) {
			misfits(in, f, notText(in, f))
			unnamedPorts(in, f)
			ownSelector(in, f)
			missingKey(in, f)
		},
	},
	{
		Code: SourceUnreadable, Title: "a file of the project that was not read whole",
		Severity: finding.Error, Confidence: Certain, Needs: Project,
		Looks: "mix.exs, the configuration, and the files of lib that have to do with what is checked: whether they are Elixir; rel/env.sh.eex, and the scripts that the image runs: whether a shell reads them, and whether their first line has the line ends of Windows.",
		Why:   "Elixir refuses it as well. What such a file says, or would say otherwise, is not known: rules that read the project say nothing certain, and the mesh is not predicted by what stands there. A shell ends where it does not understand a script (an if without fi), and the container with it.",
		Fix:   "mend the place that is named (mix compile shows it, or sh -n FILE); then check again",
		Check: brokenSource,
	},
}

// borrowedPods tells of Rollouts whose pods stand in another object: that is looked at, and not how many there are to be.
func borrowedPods(in *Input, f *Finder) {
	for _, o := range in.Objects.OfKind(manifest.Rollout) {
		if _, ok := o.Workload(); ok || !o.At("spec.workloadRef").IsMap() {
			continue
		}
		ref := o.At("spec.workloadRef")
		f.At(o, ref, "its pods are those of the %s %s: that is looked at as it stands there, and how many the Rollout makes of them, and how it replaces them, is not", ref.Key("kind"), ref.Key("name")).
			As(finding.Info, Certain).Mend("put the template into the Rollout itself; or read what is said of the %s as if it had the Rollout's replicas", ref.Key("kind"))
	}
}

// brokenSource tells of files that are no Elixir, or in parts.
func brokenSource(in *Input, f *Finder) {
	for _, b := range in.Project.Broken {
		n := f.In(b.At.File, b.At, "%s could not be read whole: %s", b.At.File, b.What).As(finding.Warning, Certain).
			Mend("mend the place that is named (mix compile shows it); then check again")
		n.Masked = maySayOne(line(in, n.At))
	}
	brokenScripts(in, f)
}

// maySayOne says whether a line of which it is not known what it holds may hold a secret, by its words or for being no text.
func maySayOne(text string) bool {
	return !utf8.ValidString(text) || secretName.MatchString(text) || strings.ContainsFunc(strings.TrimSpace(text), func(r rune) bool { return unicode.IsControl(r) && r != '\t' })
}

// kindSecret is a line that makes of a document something whose every value is secret.
var kindSecret = regexp.MustCompile(`\bkind["']?\s*:\s*["']?\w*Secret`)

// mayHoldSecret says whether a line of a source that was not understood may hold a secret: it, or one beside it, has a word
// for one, as a variable's name and value have lines of their own, or there is a Secret in the file.
func mayHoldSecret(in *Input, at Span) bool {
	text, ok := in.Text(at.File)
	if !ok || at.Line == 0 || kindSecret.MatchString(text) {
		return true
	}
	for n, l := range numbered(text) {
		if n > at.Line+1 {
			break
		}
		if n >= at.Line-1 && maySayOne(l) {
			return true
		}
	}
	return false
}

// problem is a finding about a source.
func (f *Finder) problem(p manifest.Problem) {
	text := p.Text
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	n := f.On(p.File, span(p.Position, 1), "%s", text)
	n.path = cmp.Or(p.Path, p.Text)
	n.Masked = mayHoldSecret(f.in, n.At)
}

func notRendered(in *Input, f *Finder) {
	if in.Objects == nil {
		return
	}
	charts := map[string]int{}
	var order []string
	for _, t := range in.Objects.Templates {
		if charts[t.Chart]++; charts[t.Chart] == 1 {
			order = append(order, t.Chart)
		}
	}
	for _, c := range order {
		f.On(c, Span{File: c}, "%d of its files are templates of Helm's, and no manifests yet", charts[c]).
			Mend("check what comes out: helm template %s | phial check . -", c)
	}
	for _, o := range in.overlays(rename...) {
		f.At(o.object, o.field, "kustomize puts this into names and into what refers to them, but not into values: a Service's name in a variable stays as it is").
			Mend("check what comes out: kustomize build %s | phial check . -", o.Dir)
	}
	dirs := map[string]bool{}
	for _, o := range in.Objects.Patches {
		dir := filepath.Dir(o.File)
		if !dirs[dir] {
			dirs[dir] = true
			f.At(o, o.Root(), "this is laid over other objects by a kustomization, and not looked at by itself").
				Mend("check what comes out: kustomize build %s | phial check . -", dir)
		}
	}
}
