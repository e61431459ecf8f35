package project

import (
	"path"
	"slices"
	"strings"
)

// Dockerfile is a file that images are built by.
type Dockerfile struct {
	File   string
	Text   string
	Stages []Stage
	Broken string // why it can't be read, or not all of it
	At     Pos    // of what is broken
	Ignore Ignore
}

// Stage is one stage of a build.
type Stage struct {
	Name         string
	Image        Image
	Platform     string
	Instructions []Instruction // but for FROM
	At           Pos
}

// Image is what a stage begins with.
type Image struct {
	Written string       // as it stands there
	Ref     Fact[string] // with the values of ARGs put in; Unknown where one has none
	ByArg   bool         // an ARG's default is in Ref: who builds may give another
	Stage   int          // the stage of the same file that it is; -1: it is none
}

// Instruction is one line of a Dockerfile, with those that it goes on in.
type Instruction struct {
	Name     string   // RUN, in capitals
	Words    []string // what it is given; of a shell's line that is one
	Exec     bool     // in the form of a list, which no shell sees
	Flags    []string // --from=build, as they stand there
	Text     string   // all of it, in one line
	Document string   // its heredocs, one behind the other
	At       Pos
	End      int // its last line
	set      map[string]string
}

// Set gives what ENV, ARG or LABEL sets: names and values as they stand there. An ARG without a default is not among them.
func (i Instruction) Set() map[string]string { return i.set }

// dockerfiles reads Dockerfile, Dockerfile.NAME and NAME.dockerfile, wherever they stand but in a mix project of their own.
func (r *reader) dockerfiles() error {
	var files []string
	for f := range r.p.files {
		base := path.Base(f)
		lower := strings.ToLower(base)
		if base == "Dockerfile" || base == "Containerfile" || strings.HasPrefix(base, "Dockerfile.") && !strings.HasSuffix(base, ".dockerignore") || strings.HasSuffix(lower, ".dockerfile") {
			if r.ofAnother(path.Dir(f)) {
				continue
			}
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b string) int { // that of the root first
		if n := strings.Count(a, "/") - strings.Count(b, "/"); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, f := range files {
		text, err := r.optional(f)
		if err != nil {
			return err
		}
		d := readDockerfile(f, text)
		if d.Ignore, err = r.ignores(f); err != nil {
			return err
		}
		r.p.Dockerfiles = append(r.p.Dockerfiles, d)
	}
	return nil
}

// ofAnother says whether a directory is that of a mix project which is no part of this one, or stands in one.
func (r *reader) ofAnother(dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if r.p.files[path.Join(dir, "mix.exs")] && !slices.ContainsFunc(r.p.Mixes(), func(m Mix) bool { return m.Dir == dir }) {
			return true
		}
	}
	return false
}

// expander puts the values of variables into a word. Used says whether there was one, and missing which have none.
type expander func(word string, vars map[string]string) (text string, used bool, missing []string)

// stage reads FROM image AS name.
func (d *Dockerfile) stage(i Instruction, expand expander, args map[string]string) Stage {
	s := Stage{At: i.At, Image: Image{Stage: -1}}
	if len(i.Words) > 0 {
		s.Image.Written = i.Words[0]
	}
	if len(i.Words) > 2 && strings.EqualFold(i.Words[1], "as") {
		s.Name = i.Words[2]
	}
	for _, f := range i.Flags {
		if p, ok := strings.CutPrefix(f, "--platform="); ok {
			s.Platform = p
		}
	}
	ref, byArg, missing := expand(s.Image.Written, args)
	s.Image.ByArg = byArg
	for _, name := range missing {
		if !strings.Contains(s.Image.Written, "${"+name+":-") && !strings.Contains(s.Image.Written, "${"+name+"-") {
			s.Image.Ref = unknown[string](i.At)
			return s
		}
	}
	if ref == "" {
		s.Image.Ref = unknown[string](i.At)
		return s
	}
	s.Image.Ref = known(ref, i.At)
	s.Image.Stage = d.named(ref)
	return s
}

// named finds a stage by its name; -1 where there is none.
func (d *Dockerfile) named(name string) int {
	return slices.IndexFunc(d.Stages, func(s Stage) bool { return s.Name != "" && strings.EqualFold(s.Name, name) })
}

// Final is the stage that the image is of: the last. It is -1 where there is none.
func (d Dockerfile) Final() int { return len(d.Stages) - 1 }

// Chain are the instructions of a stage, behind those of the stages of the file that it begins with.
func (d Dockerfile) Chain(stage int) (all []Instruction) {
	for n := 0; stage >= 0 && stage < len(d.Stages) && n <= len(d.Stages); n++ {
		all = slices.Concat(d.Stages[stage].Instructions, all)
		stage = d.Stages[stage].Image.Stage
	}
	return all
}

// Base is the image that a stage stands on in the end.
func (d Dockerfile) Base(stage int) Image {
	for n := 0; n <= len(d.Stages) && stage >= 0 && stage < len(d.Stages); n++ {
		if i := d.Stages[stage].Image; i.Stage < 0 {
			return i
		}
		stage = d.Stages[stage].Image.Stage
	}
	return Image{Stage: -1}
}

// Last is the last instruction of a name in a stage, and those that it begins with: the one that counts of USER, CMD,
// ENTRYPOINT and HEALTHCHECK. What the base image has is not known here.
func (d Dockerfile) Last(stage int, name string) (Instruction, bool) {
	for _, i := range slices.Backward(d.Chain(stage)) {
		if i.Name == name {
			return i, true
		}
	}
	return Instruction{}, false
}

// Env is the environment that a stage's image sets, by name; Unknown where it hangs on what the base image sets, or on
// an ARG. What the base image sets besides is not among it.
func (d Dockerfile) Env(stage int) map[string]Fact[string] {
	expand := expanderOf('\\')
	env, values := map[string]Fact[string]{}, map[string]string{}
	for _, i := range d.Chain(stage) {
		if i.Name != "ENV" {
			continue
		}
		before := map[string]string{}
		for k, v := range values {
			before[k] = v // all of one ENV see what was before it
		}
		for k, v := range i.set {
			text, _, missing := expand(v, before)
			if env[k] = known(text, i.At); len(missing) > 0 {
				env[k] = unknown[string](i.At)
				delete(values, k)
				continue
			}
			values[k] = text
		}
	}
	return env
}

// Release finds the instruction that builds the release: a RUN with mix release.
func (d Dockerfile) Release() (stage, instruction int, ok bool) {
	for s := range d.Stages {
		for n, i := range d.Stages[s].Instructions {
			if i.Name == "RUN" && releases(strings.Join(i.Words, " ")+"\n"+i.Document) {
				return s, n, true
			}
		}
	}
	return 0, 0, false
}

// releases says whether a shell's text has mix release in it.
func releases(text string) bool {
	words := strings.Fields(text)
	for n, w := range words {
		if path.Base(w) != "mix" {
			continue
		}
		for _, task := range words[n+1:] { // mix do assets.deploy, release
			task, ends := strings.CutSuffix(task, ",")
			if task == "release" || task == "release;" {
				return true
			}
			if !ends && task != "do" && task != "+" && !strings.Contains(task, ".") || strings.ContainsAny(task, ";&|") {
				break
			}
		}
	}
	return false
}

// Copied says whether a file or directory of the project is there before an instruction of a stage: Known that it is,
// Absent that it is not, Unknown where that hangs on what is computed.
func (d Dockerfile) Copied(name string, stage, before int) State {
	if stage < 0 || stage >= len(d.Stages) {
		return Absent
	}
	s := d.Stages[stage]
	all := slices.Concat(d.Chain(s.Image.Stage), s.Instructions[:min(max(before, 0), len(s.Instructions))])
	if before < len(s.Instructions) {
		all = append(all, Instruction{Name: "RUN", Flags: s.Instructions[before].Flags})
	}
	state, set := Absent, newSetters()
	for _, i := range all {
		sources := i.Words[:max(len(i.Words)-1, 0)]
		set.read(i)
		switch from := slices.ContainsFunc(i.Flags, func(f string) bool { return strings.HasPrefix(f, "--from=") }); {
		case i.Name == "RUN" && slices.ContainsFunc(i.Flags, func(f string) bool { return strings.Contains(f, "type=bind") }):
			state = Unknown
			continue
		case i.Name != "COPY" && i.Name != "ADD" || len(sources) == 0:
			continue
		case from && brings(i.Words, name):
			state = Unknown // of another stage or image
			continue
		case from:
			continue
		}
		for _, source := range sources {
			source, computed := set.expand(source)
			switch clean := path.Clean(strings.TrimPrefix(source, "/")); {
			case clean == "." || clean == name || strings.HasPrefix(name, clean+"/"):
				return Known
			case strings.HasPrefix(clean, name+"/"):
				return Known // at least some of it
			case computed && !fromElsewhere(clean, name):
				state = Unknown
			case strings.ContainsAny(clean, "*?["):
				for part := name; part != "."; part = path.Dir(part) {
					if ok, err := path.Match(clean, part); ok && err == nil {
						return Known
					}
				}
			}
		}
	}
	return state
}

// brings says whether words of COPY --from= may have a file of the project among them: the whole tree, or what is called like
// it or a directory that it is in.
func brings(words []string, name string) bool {
	if to := path.Clean(words[len(words)-1]); to == "." || to == "/" || !strings.Contains(strings.Trim(to, "/"), "/") && path.IsAbs(to) {
		return true
	}
	for _, w := range words {
		for part := name; part != "."; part = path.Dir(part) {
			if path.Base(path.Clean(w)) == path.Base(part) {
				return true
			}
		}
	}
	return false
}

// SplitImage takes a reference to an image apart, and says whether it has a digest.
func SplitImage(ref string) (name, tag string, digest bool) {
	name, _, digest = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}
