package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/spell"
)

// always says whether a variable is there in every pod, or every shell.
func always(name string) bool {
	switch name {
	case "HOME", "PATH", "HOSTNAME", "PWD", "SHLVL", "TERM", "USER", "KUBERNETES_PORT":
		return true
	}
	return strings.HasPrefix(name, "RELEASE_") || strings.HasPrefix(name, "KUBERNETES_SERVICE_") || serviceVariable(name) && !strings.HasSuffix(name, "_PORT")
}

// missingVariable finds variables that the configuration raises without.
func missingVariable(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		s := in.surroundings(b)
		var set []string
		for e := range b.Container.Env() {
			set = append(set, e.Called)
		}
		told := map[string]bool{}
		for _, r := range in.Project.Reads {
			if !r.Required || r.Phase != project.Booting || always(r.Name) || told[r.Name] || in.linkedBy(b, r.Name) != nil || !happens(r.When, s) {
				continue
			}
			missing, sure := s.missing(r.Name)
			if !missing {
				continue
			}
			told[r.Name] = true
			at := environmentOf(b)
			n := f.At(b.Object, at, "the app does not boot without %s, and nothing sets it", r.Name).place(in, r.At, "read here")
			near := spell.Nearest(r.Name, slices.DeleteFunc(slices.Clone(set), func(v string) bool { return in.reads(v) }))
			if near != "" {
				e, _ := b.Container.EnvVar(near)
				n.Mend("set %s; did you mean it by %s, which the app does not read?", r.Name, near).Also(e.Key("name"), "%s is set", near)
			}
			if !sure {
				n.As(finding.Warning, Likely).Cause = "the app does not boot without " + r.Name + ", and nothing that was seen sets it"
				n.Saw("not seen: what is set by %s", s.image)
			}
		}
	}
}

// environmentOf is where a container's environment stands, and the container's name where it has none.
func environmentOf(b Beam) manifest.Field {
	if env := b.Container.Key("env"); env.Exists() {
		return env
	}
	return b.Container.Key("name")
}

// happens says whether something is done in some surroundings, for certain.
func happens(when project.Expr, s *surroundings) bool {
	if when.Absent() {
		return true
	}
	when = when.Eval(s.get)
	return when.Literal() && !when.Nil() && !when.Is("false")
}

// reads says whether the project reads a variable.
func (in *Input) reads(name string) bool {
	return slices.ContainsFunc(in.Project.Reads, func(r project.EnvRead) bool { return r.Name == name }) || strings.Contains(in.Project.EnvSh.Text, name)
}

// serviceLinks finds variables that the kubelet sets for a Service, and that the project takes for its own.
func serviceLinks(in *Input, f *Finder) {
	reads := map[string]project.EnvRead{}
	hosts := false
	for _, r := range in.Project.Reads {
		if r.Phase != project.Building {
			reads[r.Name] = r
		}
		hosts = hosts || strings.HasSuffix(r.Name, "_SERVICE_HOST")
	}
	for _, b := range in.OfProject() {
		s := in.surroundings(b)
		for _, name := range slices.Sorted(maps.Keys(reads)) {
			o := in.linkedBy(b, name)
			if missing, _ := s.missing(name); o == nil || !missing {
				continue
			}
			n := f.At(b.Object, b.Container.Key("name"), "the app reads %s, which nobody sets but the kubelet, to tcp://ADDRESS:PORT of the Service %s", name, o.Name).
				Also(o.At("metadata.name"), "the Service").place(in, reads[name].At, "read here")
			if !hosts && !b.Pod.Key("enableServiceLinks").Exists() {
				n.Edited(in.Objects.Insert(b.Pod, "enableServiceLinks", "false"))
			}
		}
	}
}

// linkedBy is the Service for which the kubelet sets a variable: NAME_PORT.
func (in *Input) linkedBy(b Beam, variable string) *manifest.Object {
	name, ok := strings.CutSuffix(variable, "_PORT")
	if !ok || b.Pod.Key("enableServiceLinks").False() {
		return nil
	}
	for _, o := range in.services().variables[name] {
		if manifest.SameNamespace(o, b.Object) && in.Objects.Near(b.Object, o) {
			return o
		}
	}
	return nil
}

// writable says whether a container may write to a path although its root is read-only.
func writable(c manifest.Container, path string) bool {
	for m := range c.Key("volumeMounts").Items() {
		at := strings.TrimSuffix(m.Key("mountPath").String(), "/")
		if !m.Key("readOnly").True() && at != "" && (path == at || strings.HasPrefix(path, at+"/")) {
			return true
		}
	}
	return false
}

// mounts says whether a volume is mounted at a path that ends like this, below the release or not.
func mounts(c manifest.Container, part string) bool {
	for m := range c.Key("volumeMounts").Items() {
		if strings.Contains(m.Key("mountPath").String(), part) {
			return true
		}
	}
	return false
}

func readOnlyRoot(in *Input, f *Finder) {
	p := in.Project
	for _, b := range in.OfProject() {
		ro := b.Container.At("securityContext.readOnlyRootFilesystem")
		if !ro.True() {
			continue
		}
		s := in.surroundings(b)
		for _, spec := range p.Mix.ReleaseSpecs {
			reboot := spec.Options.Get("reboot_system_after_config")
			if !reboot.Is("true") || len(p.Mix.ReleaseSpecs) > 1 {
				continue
			}
			tmp := s.get("RELEASE_TMP")
			if tmp.Unknown != "" || tmp.Set && writable(b.Container, tmp.Value) || !tmp.Set && (mounts(b.Container, "/tmp") || mounts(b.Container, "/app")) {
				continue
			}
			f.At(b.Object, ro, "the release writes below RELEASE_TMP before it starts (reboot_system_after_config), and may not: it does not start").
				place(in, reboot.At, "set here").Mend("mount an emptyDir and set RELEASE_TMP to it")
		}
		if hasDep(p, "tzdata") && p.Setting("tzdata", "data_dir").Absent() && p.Setting("tzdata", "autoupdate").Absent() && !mounts(b.Container, "tzdata") {
			f.At(b.Object, ro, "tzdata writes its updates to its own directory, which is read-only").As(finding.Warning, Likely).
				Mend("set config :tzdata, :autoupdate, :disabled, or :data_dir to a directory of an emptyDir")
		}
		for _, sup := range p.Supervisors {
			if i := sup.Index("Tz.UpdatePeriodically"); i >= 0 && p.Setting("tz", "data_dir").Absent() {
				f.At(b.Object, ro, "tz writes its updates to its own directory, which is read-only").As(finding.Warning, Likely).
					place(in, sup.Children[i].At, "updated by this").Mend("set config :tz, :data_dir to a directory of an emptyDir, or leave Tz.UpdatePeriodically out")
			}
		}
	}
}
