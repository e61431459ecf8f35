package check

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// surroundings is the environment in which a workload's release starts, as far as it can be told.
type surroundings struct {
	vars map[string]project.EnvValue
	// rest says which of the manifests may set more than is known, and image what else may; empty: nothing does.
	rest, image string
	scripts     []shellText // that run before the release, or start it
}

// shellText is a text that a shell reads.
type shellText struct{ called, text string }

// itsCommand is what the words are called that start a container; all others are called as their files.
const itsCommand = "its command"

// starts notes what starts the release.
func (s *surroundings) starts(in *Input, words string) {
	start := in.Project.Start(words)
	for _, t := range start.Texts {
		s.scripts = append(s.scripts, shellText{cmp.Or(t.File, itsCommand), t.Text})
	}
	if !start.Known() && s.image == "" {
		s.image = "what starts it"
	}
}

// surroundings works out what stands around a workload of the project.
func (in *Input) surroundings(b Beam) *surroundings {
	s := &surroundings{vars: map[string]project.EnvValue{}}
	s.fromImage(in, b)
	if in.patched() {
		s.rest = "the patches of a kustomization"
	}
	for f := range b.Container.Key("envFrom").Items() {
		s.from(in, f)
	}
	for e := range b.Container.Env() {
		s.vars[e.Called] = valueOf(in, e)
	}
	return s
}

// patched says whether a kustomization lays anything over the objects that were read, which are then not what runs.
func (in *Input) patched() bool {
	if in.patches == nil {
		found := len(in.overlays(layOver...)) > 0 || len(in.Objects.Patches) > 0
		in.patches = &found
	}
	return *in.patches
}

// from takes over a ConfigMap or a Secret as a whole.
func (s *surroundings) from(in *Input, f manifest.Field) {
	for key, kind := range map[string]string{"configMapRef": "ConfigMap", "secretRef": "Secret"} {
		name := f.Key(key).Key("name").String()
		if name == "" {
			continue
		}
		o := in.Objects.Find(f.Object(), kind, name)
		if o == nil {
			s.rest = "the " + kind + " " + name
			continue
		}
		for _, part := range []string{"data", "stringData"} {
			for k, v := range o.At(part).Fields() {
				value := project.EnvValue{Value: v.String(), Set: true}
				if kind == "Secret" {
					value = project.EnvValue{Set: true, Unknown: "it is in a Secret"}
				}
				s.vars[f.Key("prefix").String()+k] = value
			}
		}
	}
}

// valueOf is a variable of a container. One whose value is not known may be Set all the same.
func valueOf(in *Input, e manifest.EnvVar) project.EnvValue {
	from := e.From()
	if !from.Exists() {
		v := e.Value().String()
		if reference.MatchString(v) {
			return project.EnvValue{Set: true, Unknown: "it is put together from other variables"}
		}
		return project.EnvValue{Value: v, Set: true}
	}
	ref := from.Key("configMapKeyRef")
	if o := in.Objects.Find(e.Object(), "ConfigMap", ref.Key("name").String()); ref.Exists() && o != nil {
		if v := o.At("data").Key(ref.Key("key").String()); v.Exists() {
			return project.EnvValue{Value: v.String(), Set: true}
		}
	}
	optional := ref.Key("optional").True() || from.At("secretKeyRef.optional").True()
	return project.EnvValue{Set: !optional, Unknown: "it comes from elsewhere"}
}

// plainBases are images that set nothing that an app reads.
var plainBases = regexp.MustCompile(`^(docker\.io/)?(library/)?(debian|ubuntu|alpine|busybox|scratch|elixir|erlang|hexpm/elixir|hexpm/erlang|gcr\.io/distroless/[a-z0-9-]+)(:|@|$)`)

// fromImage takes over what the Dockerfile sets, and what starts the release.
func (s *surroundings) fromImage(in *Input, b Beam) {
	if in.hasEnvSh() {
		s.scripts = append(s.scripts, shellText{in.envShFile(), in.Project.EnvSh.Text})
	}
	words := joined(b.Container)
	d, why := dockerfileOf(in.Project)
	if why != "" {
		s.image = why
	} else {
		for name, v := range d.Env(d.Final()) {
			s.vars[name] = project.EnvValue{Value: v.Value, Set: true}
			if !v.Known() {
				s.vars[name] = project.EnvValue{Set: true, Unknown: "the Dockerfile computes it"}
			}
		}
		if base := d.Base(d.Final()).Ref; !base.Known() || !plainBases.MatchString(base.Value) {
			s.image = "the image that the Dockerfile begins with"
		}
		words = startWordsOf(b, d)
	}
	s.starts(in, words)
	for _, t := range s.scripts {
		if sources.MatchString(t.text) {
			s.image = "what " + t.called + " reads"
		}
	}
}

// dockerfileOf is the Dockerfile that the project's image is built by, or why that is not known.
func dockerfileOf(p *project.Project) (d project.Dockerfile, why string) {
	d, ok := p.Image()
	if !ok {
		return d, "its image"
	}
	return d, ""
}

// startWordsOf are the words that a container is started with: its own, and for what it does not say the image's.
func startWordsOf(b Beam, d project.Dockerfile) string {
	return strings.Join(d.Runs(texts(b.Container.Key("command")), texts(b.Container.Key("args"))), " ")
}

// texts are those of a list.
func texts(list manifest.Field) (all []string) {
	for f := range list.Items() {
		all = append(all, f.String())
	}
	return all
}

// sources is a script that reads another one, or sets what can't be seen.
var sources = regexp.MustCompile(`(?m)(^|[;&|]|\bthen|\bdo)\s*(\.|source)\s+\S|\beval\b|set -a|set -o allexport|\benvsubst\b|\bexport \$`)

// passesOn are programs that start another one in the environment that they have.
var passesOn = project.PassesOn

// get looks a variable up, as [project.Env].
func (s *surroundings) get(name string) project.EnvValue {
	for _, t := range s.scripts {
		if assigns(t.text, name) {
			return project.EnvValue{Unknown: t.called + " may set it"}
		}
	}
	if v, ok := s.vars[name]; ok {
		return v
	}
	if always(name) && name != "RELEASE_TMP" {
		return project.EnvValue{Unknown: "it is set by the machine, or by what starts the release"}
	}
	if why := s.rest + s.image; why != "" {
		return project.EnvValue{Unknown: "it may be set by " + why}
	}
	return project.EnvValue{}
}

// missing says whether nothing is seen that sets a variable, and whether that is sure.
func (s *surroundings) missing(name string) (missing, sure bool) {
	for _, t := range s.scripts {
		if assigns(t.text, name) {
			return false, false
		}
	}
	if _, ok := s.vars[name]; ok || s.rest != "" {
		return false, false
	}
	return true, s.image == ""
}

// assigns says whether a script sets a variable.
func assigns(text, name string) bool {
	for {
		i := strings.Index(text, name+"=")
		if i < 0 {
			return false
		}
		if i == 0 || !isWord(text[i-1]) {
			return true
		}
		text = text[i+1:]
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// vmFlags are the emulator's flags of a workload, as far as manifests and project have them: one line, single spaces.
func vmFlags(in *Input, b Beam, paired bool) string {
	all := flags(b.Container)
	if paired {
		for _, v := range in.Project.VMArgs {
			for _, f := range v.Flags {
				if v.Taken && !strings.HasSuffix(v.File, "remote.vm.args.eex") {
					all += " " + f.String()
				}
			}
		}
		all += " " + in.Project.EnvSh.Text
		for _, d := range in.Project.Dockerfiles {
			all += " " + d.Text
		}
		s := &surroundings{}
		s.starts(in, joined(b.Container))
		for _, t := range s.scripts {
			all += " " + t.text
		}
	}
	return strings.Join(strings.Fields(all), " ")
}

// ofProject says whether a workload runs the project's release.
func (in *Input) ofProject(b Beam) bool {
	if in.mine == nil {
		in.mine = map[*manifest.Object]bool{}
		for _, p := range in.OfProject() {
			in.mine[p.Object] = true
		}
	}
	return in.mine[b.Object]
}

// every says whether something is true of all workloads of the project, and there are some.
func (in *Input) every(is func(Beam) bool) bool {
	all := in.OfProject()
	return len(all) > 0 && !slices.ContainsFunc(all, func(b Beam) bool { return !is(b) })
}

// spread is the first of the project's workloads that has several replicas, and what the project says of its release.
func spread(in *Input) (Beam, *project.Project, bool) {
	for _, b := range in.OfProject() {
		if in.several(b.Workload) {
			return b, in.projectOf(b), true
		}
	}
	return Beam{}, nil, false
}

// most is the largest number of pods that there may be of a workload; at is what says so.
func (in *Input) most(b Beam) (n int64, at manifest.Field) {
	n, at, _ = b.Replicas()
	if o := in.autoscaler(b.Workload); o != nil {
		for _, name := range []string{"spec.maxReplicas", "spec.maxReplicaCount"} {
			if m, ok := o.At(name).Int(); ok && m > n {
				n, at = m, o.At(name)
			}
		}
	}
	return n, at
}

// subjectOf is what a finding about the project is about.
func subjectOf(p *project.Project) string {
	for _, m := range p.Mixes() {
		if m.App.Known() {
			return m.App.Value
		}
	}
	return "the project"
}

// spreads tells of a finding which workload makes it one.
func (n *Finding) spreads(in *Input, b Beam) *Finding {
	_, at := in.most(b)
	return n.Also(at, "%s has several replicas", b.Name)
}

// place adds a place of the project that has to do with a finding.
func (n *Finding) place(in *Input, at project.Pos, text string) *Finding {
	if at.File != "" {
		n.Related = append(n.Related, Related{Span{File: in.ProjectFile(at.File), Line: at.Line, Column: at.Col}, text})
	}
	return n
}

// hasDep says whether the project has one of some libraries.
func hasDep(p *project.Project, names ...string) bool {
	for _, name := range names {
		if _, ok := p.Dep(name); ok {
			return true
		}
		for _, l := range p.Lock {
			if l.Name == name {
				return true
			}
		}
	}
	return false
}

// uses is the first place at which the code names a library, by how its modules begin.
func uses(p *project.Project, names ...string) (project.Use, bool) {
	for _, u := range p.Libraries {
		for _, name := range names {
			if u.What == name || strings.HasPrefix(u.What, name+".") {
				return u, true
			}
		}
	}
	return project.Use{}, false
}
