package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// scaled are the kinds that an autoscaler can be for.
var scaled = []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", manifest.Rollout}

// scalesNobody finds autoscalers of a release that name what is not there.
func scalesNobody(in *Input, f *Finder) {
	for _, kind := range []string{"HorizontalPodAutoscaler", "ScaledObject"} {
		for _, o := range in.Objects.OfKind(kind) {
			ref := o.At("spec.scaleTargetRef")
			name, ok := ref.Key("name").Text()
			want := ref.Key("kind").String()
			if want == "" {
				want = "Deployment"
			}
			if !ok || !slices.Contains(scaled, want) || in.Objects.Find(o, want, name) != nil {
				continue
			}
			var names []string
			akin := "" // a workload that nobody scales, whose name is a part of the one that is asked for, or the other way round
			for _, b := range in.Serving() {
				if !manifest.SameNamespace(o, b.Object) || !slices.Contains(scaled, b.Kind) {
					continue
				}
				names = append(names, b.Name)
				if akin == "" && in.autoscaler(b.Workload) == nil && (strings.HasPrefix(name, b.Name+"-") || strings.HasPrefix(b.Name, name+"-")) {
					akin = b.Name
				}
				if b.Name != name || !in.Objects.Near(o, b.Object) {
					continue
				}
				at := ref.Key("kind")
				if !at.Exists() {
					at = ref.Key("name")
				}
				n := f.At(o, at, "it scales the %s %s, and %s is a %s: nobody is scaled", want, name, name, b.Kind).
					Mend("write kind: %s", b.Kind).Also(b.At("kind"), "its kind")
				if ref.Key("kind").Exists() {
					n.Edited(in.Objects.Replace(at, b.Kind))
				}
				names, akin = nil, ""
				break
			}
			if hint := spell.Hint(name, names); hint != "" {
				f.At(o, ref.Key("name"), "it scales the %s %s, which is not among the manifests%s", want, name, hint).As(warningLikely()).
					Mend("name a workload that there is")
			} else if akin != "" {
				f.At(o, ref.Key("name"), "it scales the %s %s, which is not among the manifests; nobody scales %s", want, name, akin).As(finding.Info, Hint).
					Mend("name a workload that there is")
			}
		}
	}
}

// scaledTwice finds releases whose number is said by their manifest, and by an autoscaler.
func scaledTwice(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		o, at := in.autoscaler(b.Workload), b.At("spec.replicas")
		n, ok := at.Int()
		if o == nil || !ok || n == 0 || managed(b.Workload) {
			continue
		}
		f.At(b.Object, at, "%s has replicas: %d, and %s scales it: each time that this is applied it has %d again, whatever the load", b.Name, n, o.Name, n).
			As(warningLikely()).Mend("take replicas: out, and leave the number to %s", o.Name).Also(o.At("spec.scaleTargetRef"), "scaled here").
			Saw("a tool that leaves the field alone, such as Argo CD by ignoreDifferences, may be in between")
	}
}

// ownGroup finds ScaledObjects that go by the lag of a consumer group that the release is not in.
func ownGroup(in *Input, f *Finder) {
	if in.Project == nil {
		return
	}
	for _, b := range in.OfProject() {
		o := in.autoscaler(b.Workload)
		if o == nil || o.Kind != "ScaledObject" {
			continue
		}
		var groups []string
		all := in.projectOf(b).Pipelines
		for _, p := range all {
			if !p.Group.Known() {
				groups = nil
				break
			}
			groups = append(groups, p.Group.Value)
		}
		for t := range o.At("spec.triggers").Items() {
			at := t.At("metadata.consumerGroup")
			group, ok := at.Text()
			if kind := t.Key("type").String(); kind != "kafka" && kind != "apache-kafka" || !ok || len(groups) == 0 || slices.Contains(groups, group) {
				continue
			}
			n := f.At(b.Object, at, "%s is scaled by the lag of the group %s, and reads as %s", b.Name, group, spell.List(groups, "and", 4)).
				As(warningLikely()).place(in, all[0].Group.At, "its group").Mend("name the group that the pipeline reads as")
			if len(groups) == 1 {
				n.Edited(in.Objects.Replace(at, groups[0]))
			}
		}
	}
}

// lostTables finds Mnesia's tables on disk in pods that have none that outlives them.
func lostTables(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		p := in.projectOf(b)
		if mountsClaim(b) {
			continue
		}
		for _, c := range p.CallsOf(":mnesia.create_table") {
			if len(c.Args) < 2 {
				continue
			}
			for _, kind := range []string{"disc_copies", "disc_only_copies"} {
				if copies := c.Args[1].Get(kind); copies.Nil() {
					continue
				}
				if i := slices.IndexFunc(f.found, func(n *Finding) bool { return n.about == aboutOf(b.Object) }); i >= 0 {
					f.found[i].Saw("it keeps a table on disk (%s), and no volume of %s outlives the pod", kind, b.Name)
				} else {
					f.At(b.Object, b.Container.Key("name"), "Mnesia keeps a table on disk (%s), and no volume of %s outlives the pod: it is empty after each start", kind, b.Name).
						As(finding.Warning, Likely).place(in, c.At, "the table").Mend("give each pod a volume: volumeClaimTemplates of a StatefulSet, with Mnesia's dir in it")
				}
			}
		}
	}
}
