package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// fraction is a number that is no whole one, as kubectl reads it: also 08, which is none in octal.
var fraction = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// truth is what every reader of YAML for Kubernetes takes for a boolean.
var truth = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$`)

// notText finds values that kubectl reads as a number or a boolean, where the API wants a text, and gives their places.
func notText(in *Input, f *Finder) map[manifest.Position]bool {
	told := map[manifest.Position]bool{}
	look := func(o *manifest.Object, at manifest.Field, what string) {
		kind := ""
		if truth.MatchString(at.String()) && at.Plain() {
			kind = "a boolean"
		} else if _, ok := at.Int(); ok || at.Plain() && fraction.MatchString(at.String()) {
			kind = "a number"
		}
		if kind != "" {
			told[at.Position()] = true
			f.At(o, at, "%s is %s here, and Kubernetes wants a text: the object is refused", what, kind).
				Mend("write it in quotes").Edited(in.quote(at))
		}
	}
	values := func(o *manifest.Object, of manifest.Field, what string) {
		for name, v := range of.Fields() {
			look(o, v, what+" "+name)
		}
	}
	for _, o := range in.Objects.Objects {
		if slices.Contains([]string{"BeamApp", "Kustomization", "Component"}, o.Kind) {
			continue // it has a check of its own, or never reaches the server
		}
		values(o, o.At("metadata.labels"), "the label")
		values(o, o.At("metadata.annotations"), "the annotation")
		switch o.Kind {
		case "ConfigMap", "Secret":
			values(o, o.At("data"), "the entry")
			values(o, o.At("stringData"), "the entry")
		case "Service":
			values(o, o.At("spec.selector"), "the label")
		}
	}
	for w := range in.Objects.Workloads() {
		values(w.Object, w.At("spec.selector.matchLabels"), "the label")
		if w.Kind != "Pod" {
			values(w.Object, w.Template.At("metadata.labels"), "the label")
			values(w.Object, w.Template.At("metadata.annotations"), "the annotation")
		}
		for c := range w.Containers() {
			for e := range c.Env() {
				look(w.Object, e.Value(), e.Called)
			}
		}
	}
	return told
}

// misfits finds what the API of an object's kind does not take, but for what was told already.
func misfits(in *Input, f *Finder, told map[manifest.Position]bool) {
	for i, all := range in.Objects.Misfits() {
		o := in.Objects.Objects[i]
		for _, m := range all {
			if m.Quote && told[m.Position()] {
				continue
			}
			if m.Unknown {
				in.unknownField(o, m, f)
				continue
			}
			n := f.At(o, m.Field, "%s: the object is refused", m.Text)
			switch {
			case m.Quote:
				n.Mend("write it in quotes").Edited(in.quote(m.Field))
			case m.Meant == "stringData":
				n.Mend("encode it (printf '%%s' VALUE | base64), or put it below stringData as it is").Secret()
			case m.Meant != "":
				n.Mend("write %s", m.Meant)
			default:
				n.Mend("write what fits there")
			}
		}
	}
}

// unknownField is about a field that the kind does not have. Where nothing is like it, a Kubernetes to come may have it.
func (in *Input) unknownField(o *manifest.Object, m manifest.Misfit, f *Finder) {
	n := f.AtName(o, m.Field, "%s: kubectl refuses the object, and who applies it otherwise has the field dropped", m.Text)
	switch {
	case m.Meant == "":
		n.As(warningLikely()).Mend("take it out, or write the field's name as kubectl explain %s has it", o.Kind).Saw("a later Kubernetes may have it")
	case strings.Contains(m.Meant, " "):
		n.Mend("move it there: the indentation says what it belongs to")
	default:
		n.Mend("write %s", m.Meant)
	}
}

// quote is an edit that puts a scalar into quotes.
func (in *Input) quote(at manifest.Field) (manifest.Edit, bool) {
	e, ok := in.Objects.Replace(at, at.String())
	e.Text = `"` + e.Text + `"`
	return e, ok
}

// ownSelector finds workloads whose selector does not take the pods that they make.
func ownSelector(in *Input, f *Finder) {
	for w := range in.Objects.Workloads() {
		if !slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", manifest.Rollout}, w.Kind) {
			continue
		}
		labels := w.Labels()
		for name, v := range w.At("spec.selector.matchLabels").Fields() {
			got, has := labels[name]
			if has && got == v.String() {
				continue
			}
			why := "none has the label " + name
			if has {
				why = "each has " + name + ": " + got
			}
			n := f.At(w.Object, v, "its selector wants pods with %s: %s, and of those that it makes %s: the object is refused", name, v, why).
				Mend("let spec.selector.matchLabels and the template's labels say the same").Also(w.Template.At("metadata.labels"), "the labels of its pods")
			if in.patched() {
				n.As(finding.Warning, Likely).Saw("a kustomization lays patches over what was read")
			}
			break
		}
	}
}

// unnamedPorts finds Services with several ports of which the API server can't tell one from the other by its name.
func unnamedPorts(in *Input, f *Finder) {
	for _, o := range in.Objects.OfKind("Service") {
		ports, seen := o.At("spec.ports"), map[string]manifest.Field{}
		if ports.Len() < 2 {
			continue
		}
		for p := range ports.Items() {
			at := p.Key("name")
			name := at.String()
			first, twice := seen[name]
			seen[name] = at
			var n *Finding
			switch {
			case at.Null() || name == "":
				n = f.At(o, p.Key("port"), "the Service has several ports, and port %s has no name: the object is refused", p.Key("port")).
					Mend("give each of its ports a name, such as http")
			case twice:
				n = f.At(o, at, "two of the Service's ports are called %s: the object is refused", name).Mend("give each of its ports a name of its own").Also(first, "the other one")
			default:
				continue
			}
			if in.patched() {
				n.As(finding.Warning, Likely).Saw("a kustomization lays patches over what was read")
			}
			break
		}
	}
}

// missingKey finds variables that come from a key that their Secret or ConfigMap does not have.
func missingKey(in *Input, f *Finder) {
	for w := range in.Objects.Workloads() {
		for c := range w.Containers() {
			for e := range c.Env() {
				for by, kind := range map[string]string{"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"} {
					in.missingKeyOf(w, c, e, e.From().Key(by), kind, f)
				}
			}
		}
	}
}

func (in *Input) missingKeyOf(w manifest.Workload, c manifest.Container, e manifest.EnvVar, ref manifest.Field, kind string, f *Finder) {
	key, ok := ref.Key("key").Text()
	if !ok || ref.Key("optional").True() {
		return
	}
	o := in.Objects.Find(w.Object, kind, ref.Key("name").String())
	if o == nil {
		return
	}
	var keys []string
	for _, part := range []string{"data", "stringData", "binaryData"} {
		for name := range o.At(part).Fields() {
			keys = append(keys, name)
		}
	}
	if len(keys) == 0 || slices.Contains(keys, key) {
		return // an empty one is filled by somebody else
	}
	n := f.At(w.Object, ref.Key("key"), "%s comes from the key %s, which the %s %s does not have, so the container %s does not start%s", e.Called, key, kind, o.Name, c.Called, spell.Hint(key, keys)).
		Mend("name a key that it has (%s), or add the one that is named", spell.List(keys, "and", 6)).Also(o.At("metadata.name"), "it")
	if in.patched() || o.At("metadata.annotations").Len() > 0 {
		n.As(finding.Warning, Likely).Saw("a patch, or what its annotations speak to, may add more keys")
	}
}
