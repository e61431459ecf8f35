package intent

import (
	"cmp"
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// Command is what an image runs.
type Command struct {
	Image project.Dockerfile
	At    string
}

// commands are what the images run that the project's Dockerfiles make.
func commands(p *project.Project, shown func(project.Pos) string) (all []Command) {
	for _, d := range p.Images() {
		c := Command{Image: d}
		for _, name := range []string{"CMD", "ENTRYPOINT"} {
			if i, ok := d.Last(d.Final(), name); ok {
				c.At = shown(i.At)
			}
		}
		if c.At != "" {
			all = append(all, c)
		}
	}
	return all
}

var (
	// startsRelease is a release that is started, also by Phoenix's bin/server.
	startsRelease = regexp.MustCompile(`(?:^|[\s;&|/"'])bin/(?:server(?:["'\s;&|]|$)|([A-Za-z0-9_-]+)["']?\s+["']?start)`)
	// ofRelease is the script of a release, by its path.
	ofRelease = regexp.MustCompile(`^(?:.*/)?bin/([A-Za-z0-9_-]+)$`)
	// besideIt is the same, from the directory that it is in.
	besideIt = regexp.MustCompile(`^\./([A-Za-z0-9_-]+)$`)
	// sets is what env gives to a program.
	sets = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=`)
)

// otherwise are commands of a release's script by which no node of the app's is started.
var otherwise = []string{"eval", "rpc", "remote", "restart", "stop", "pid", "version"}

// maxEntries are followed, of which each starts the next.
const maxEntries = 8

// startup is how a container comes to the release: its name where the words say it, and the environment that bin/NAME is
// started in. Why says why that is not known; at is where.
type startup struct {
	name    string
	env     envsh.Env
	why, at string
	code    string // of the finding that why is about
	noNode  bool   // it is known that no node starts, and why
	other   bool   // another command of the release's is run, and ends
}

// starter follows the words that a container is started with.
type starter struct {
	app  App
	host envsh.Host
	// texts of the scripts that are run
	texts string
	// own says that the container names its command itself: what it names may be another image's.
	own bool
	// goesOn says that a script around has more to do when what it starts has ended.
	goesOn bool
}

// startup follows a container to where its release starts.
func (b *builder) startup(ctx context.Context, w Runs, env environment, h envsh.Host) startup {
	b.scripts = ""
	e := envsh.Env{Vars: make(map[string]envsh.Value, len(env.vars)), Unsure: func(name string) string {
		if _, set := env.vars[name]; !set && env.rest != "" {
			return "it may be set by " + env.rest
		}
		return ""
	}}
	for k, v := range env.vars {
		e.Vars[k] = envsh.Value{Text: v.Value, Unknown: v.Why, From: v.From}
	}
	plain := startup{name: b.app.Name, env: e}
	if plain.why = b.app.Foreign; plain.why != "" {
		return plain
	}
	texts := func(list manifest.Field) (all []string) {
		for f := range list.Items() {
			all = append(all, f.String())
			plain.at = cmp.Or(plain.at, f.Position().String())
		}
		return all
	}
	command, args := texts(w.Container.Key("command")), texts(w.Container.Key("args"))
	lines, at := [][]string{slices.Concat(command, args)}, []string{plain.at}
	switch images := b.app.Commands; {
	case len(command) > 0:
	case len(images) > 0:
		lines, at = nil, nil
		for _, c := range images {
			lines, at = append(lines, c.Image.Runs(nil, args)), append(at, c.At)
		}
	case len(args) == 0, len(args) == 1 && strings.HasPrefix(args[0], "start"): // the image's entrypoint is the release
		return plain
	}
	before := ofImages(e)
	var all []startup
	for i, argv := range lines {
		l := &starter{app: b.app, host: h, own: len(command) > 0}
		s := l.follow(ctx, argv, before, at[i], "", 0)
		b.scripts += l.texts
		if s.why != "" {
			return s
		}
		if s.name = cmp.Or(s.name, b.app.Name); i > 0 && (s.name != all[0].name || !sameEnv(s.env, all[0].env)) {
			return startup{env: e, why: "the project's images start the release in several ways", at: s.at}
		}
		all = append(all, s)
	}
	return all[0]
}

// ofImages adds what every image sets, whatever that is.
func ofImages(e envsh.Env) envsh.Env {
	e.Vars = maps.Clone(e.Vars)
	for _, name := range []string{"PATH", "HOME"} {
		if _, set := e.Vars[name]; !set {
			e.Vars[name] = envsh.Value{Unknown: name + " is the image's", Filled: true}
		}
	}
	return e
}

// sameEnv says whether two environments are known to be the same.
func sameEnv(a, b envsh.Env) bool {
	return maps.EqualFunc(a.Vars, b.Vars, func(v, w envsh.Value) bool {
		return v.Text == w.Text && v.Unknown == w.Unknown && v.From == w.From
	})
}

// follow follows one command to where the release starts. From is the file in which it stands; empty: none.
func (l *starter) follow(ctx context.Context, argv []string, env envsh.Env, at, from string, depth int) startup {
	lost := func(why string) startup { return startup{why: why, at: at, env: env} }
	if depth > maxEntries {
		return lost("more scripts start one another than are followed")
	}
	argv, env = passedOn(argv, env)
	if len(argv) == 0 {
		return lost("what starts it is not known")
	}
	first := argv[0]
	if project.Shells.MatchString(first) {
		return l.shell(ctx, argv, env, at, depth)
	}
	if strings.ContainsAny(first, " \t\n;&|") { // a shell's text, in one word
		return l.enter(ctx, envsh.Entry{Source: envsh.Source{Name: "its command", Text: []byte(first)}, At: placeAt(at)}, "", env, at, depth)
	}
	name := ""
	if m := ofRelease.FindStringSubmatch(first); m != nil {
		name = m[1]
	} else if m := besideIt.FindStringSubmatch(first); m != nil && (m[1] == l.app.Name || strings.HasPrefix(from, "rel/overlays/bin/")) {
		name = m[1]
	}
	if name == "" || name != l.app.Name {
		if s, found := l.script(ctx, argv, env, at, depth); found {
			return s
		}
	}
	command := ""
	if len(argv) > 1 {
		command = argv[1]
	}
	none := func(code, why string) startup {
		s := lost(why)
		s.code, s.noNode = code, true
		return s
	}
	switch {
	case l.gone(argv, from, depth):
		return none(codeNoProgram, l.unknownProgram(argv))
	case name == "server" && command == "":
		return startup{env: env, at: at}
	case name != "" && strings.HasPrefix(command, "start"):
		return startup{name: name, env: env, at: at}
	case name != "" && strings.HasPrefix(command, "daemon"):
		why := strings.TrimPrefix(first, "/app/") + " " + command + " leaves the node in the background"
		if l.goesOn || l.own && depth == 0 {
			return lost(why)
		}
		return none(codeBackground, why+", and the container ends with the command")
	case name != "" && slices.Contains(otherwise, command):
		s := lost("it starts with " + first + " " + command + ", and not with bin/" + cmp.Or(l.app.Name, "NAME") + " start")
		s.other = true
		return s
	case name != "" && strings.HasPrefix(command, "…"):
		return lost("it starts with " + first + ", and with which of its commands is not known")
	case startsRelease.MatchString(strings.Join(argv[1:], " ")):
		return lost("it is started by " + path.Base(first) + ", which may name the node otherwise")
	}
	return lost("it starts with " + first + ", and not with bin/" + cmp.Or(l.app.Name, "NAME") + " start")
}

// passedOn leaves out programs that start another one in the environment that they have, and takes over what env sets.
func passedOn(argv []string, env envsh.Env) ([]string, envsh.Env) {
	given := false
	for len(argv) > 0 {
		w := argv[0]
		m := sets.FindStringSubmatch(w)
		switch {
		case m != nil && given:
			env.Vars = maps.Clone(env.Vars)
			env.Vars[m[1]] = envsh.Value{Text: w[len(m[0]):]}
		case w == "" || strings.HasPrefix(w, "-") && (!given || w == "--"): // env -u and -i change more
		case project.PassesOn.MatchString(w):
			switch path.Base(w) {
			case "env":
				given = true
			case "gosu", "su-exec":
				argv = argv[min(1, len(argv)-1):] // and who it is to be run as
			}
		default:
			return argv, env
		}
		argv = argv[1:]
	}
	return nil, env
}

// shell is sh -c TEXT, or sh SCRIPT.
func (l *starter) shell(ctx context.Context, argv []string, env envsh.Env, at string, depth int) startup {
	flags := ""
	for i, w := range argv[1:] {
		if !strings.HasPrefix(w, "-") {
			s, found := l.script(ctx, slices.Concat(argv[:1], argv[1+i:]), env, at, depth)
			if !found {
				s = startup{why: "it starts with " + w + ", and not with bin/" + cmp.Or(l.app.Name, "NAME") + " start", at: at, env: env}
			}
			return s
		}
		rest := argv[1+i+1:]
		if flags += strings.TrimPrefix(w, "-"); !strings.HasSuffix(w, "c") || len(rest) == 0 {
			continue
		}
		return l.enter(ctx, envsh.Entry{
			Source: envsh.Source{Name: "its command", Text: []byte(rest[0])}, At: placeAt(at), Flags: flags,
			Args: rest[min(2, len(rest)):], Bash: path.Base(argv[0]) == "bash",
		}, "", env, at, depth)
	}
	return startup{why: "what starts it is not known", at: at, env: env}
}

// script follows a script of the project, also one that a shell is given; not found where there is none.
func (l *starter) script(ctx context.Context, argv []string, env envsh.Env, at string, depth int) (s startup, found bool) {
	lost := func(why string) (startup, bool) { return startup{why: why, at: at, env: env}, true }
	shell := ""
	if project.Shells.MatchString(argv[0]) {
		shell, argv = path.Base(argv[0]), argv[1:]
	}
	if l.app.project == nil {
		return startup{}, false
	}
	script, why := l.app.project.Script(argv[0])
	switch {
	case why != "":
		return lost("it starts with " + argv[0] + ", and " + why)
	case script.File == "":
		return startup{}, false
	case shell == "" && script.NoShell() && !l.goesOn:
		s, _ = lost("no shell reads " + l.app.shown(project.Pos{File: script.File}) + ": its first line ends as Windows writes it, and the kernel looks for a shell whose name has a carriage return in it")
		s.code, s.noNode, s.at = codeNoShell, true, l.app.shown(project.Pos{File: script.File, Line: 1, Col: 1})
		return s, true
	case script.Shell == "" && shell == "":
		return lost("it starts with " + argv[0] + ", and " + script.File + " is no script of a shell's")
	}
	if shell == "" {
		shell = script.Shell
	}
	l.texts += script.Text + "\n"
	return l.enter(ctx, envsh.Entry{
		Source: envsh.Source{Name: l.app.shown(project.Pos{File: script.File}), Text: []byte(script.Text)}, Flags: script.Flags, Args: argv[1:], Bash: shell == "bash",
	}, script.File, env, at, depth), true
}

// enter follows a text that a shell reads. File is the script of the project that it is; empty: it is a line in another file.
func (l *starter) enter(ctx context.Context, entry envsh.Entry, file string, env envsh.Env, at string, depth int) startup {
	lost := func(why, at string) startup { return startup{why: why, at: at, env: env} }
	entry.Starts = l.mayStart
	e, err := envsh.Enter(ctx, entry, env, l.host)
	switch {
	case err != nil:
		return lost(entry.Name+" can't be followed: "+err.Error(), at)
	case e.Broken != nil:
		s := lost("no shell reads "+entry.Name+": "+e.Broken.Why, e.Broken.Pos.String())
		s.code, s.noNode = codeNoShell, true
		return s
	case e.Unclear != "":
		return lost(e.Unclear, cmp.Or(place.FindString(e.Unclear), at))
	case e.Ends != nil:
		s := lost(entry.Name+" ends before the release starts: "+e.Ends.Why, e.Ends.Pos.String())
		s.code = codeEnds
		return s
	}
	var all []startup
	for _, a := range e.Arrivals {
		switch here := a.Pos.String(); {
		case a.Why != "":
			return lost("what is started ("+here+") is not known: "+a.Why, here)
		case a.Behind:
			return lost(strings.Join(a.Argv, " ")+" is started in the background ("+here+")", here)
		default:
			before := l.goesOn
			l.goesOn = before || !a.InPlace && !lastOf(string(entry.Text), a.Pos.Line)
			all = append(all, l.follow(ctx, a.Argv, a.Env, here, file, depth+1))
			l.goesOn = before
		}
	}
	if len(all) > 1 {
		if starting := slices.DeleteFunc(slices.Clone(all), func(s startup) bool { return s.other }); len(starting) > 0 {
			all = starting
		}
	}
	switch {
	case len(all) == 1:
		return all[0]
	case len(all) > 1:
		return lost("which of several programs "+entry.Name+" starts is not known", all[1].at)
	case file == "":
		line := strings.TrimSpace(string(entry.Text))
		first, _, _ := strings.Cut(line, " ")
		return lost("it starts with "+cmp.Or(first, "an empty line")+", and not with bin/"+cmp.Or(l.app.Name, "NAME")+" start", at)
	}
	s := lost("nothing in "+entry.Name+" is seen to start the release", at)
	if len(entry.Args) == 0 && passesAll.MatchString(string(entry.Text)) {
		s.why, s.code = entry.Name+" runs what it is given, and is given nothing: neither the image nor the container says what to run, and the container ends at once", codeNoProgram
	}
	return s
}

// mayStart says whether a program may come to start the release.
func (l *starter) mayStart(argv []string) bool {
	words := strings.Join(argv, " ")
	if m := ofRelease.FindStringSubmatch(argv[0]); m != nil && len(argv) > 1 && slices.Contains(otherwise, argv[1]) {
		return false
	}
	if m := besideIt.FindStringSubmatch(argv[0]); m != nil && len(argv) > 1 && (strings.HasPrefix(argv[1], "start") || strings.HasPrefix(argv[1], "daemon")) {
		return true
	}
	return startsRelease.MatchString(words) || l.app.project != nil && l.app.project.Start(words).Release != ""
}

// placeAt is a place that was written out.
func placeAt(at string) envsh.Pos {
	if p, ok := mesh.ParsePlace(at); ok {
		return envsh.Pos{File: p.File, Line: p.Line, Col: p.Column}
	}
	return envsh.Pos{}
}
