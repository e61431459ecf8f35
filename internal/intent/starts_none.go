package intent

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	// codeEnds is of a script that ends before the release starts, and codeNoShell of one that no shell reads.
	codeEnds    = "NAM-04"
	codeNoShell = "CHK-08"
	// codeNoProgram is of a program that is not there, and codeBackground of a release that is left alone.
	codeNoProgram  = "IMG-21"
	codeBackground = "IMG-22"
)

var (
	// passesAll is a script whose last command runs what it is given.
	passesAll = regexp.MustCompile(`(?m)^[ \t]*exec[ \t]+"\$@"[ \t]*\n*\z`)
	// systems are images that have no program called as a command of a release's.
	systems = regexp.MustCompile(`^((docker\.io/)?(library/)?(debian|ubuntu|alpine|elixir|erlang)|hexpm/(elixir|erlang)):`)
	// changesDir is a line that goes to another directory.
	changesDir = regexp.MustCompile(`\b(cd|pushd|chroot)\b`)
	// closes is what may stand behind a script's last command.
	closes = regexp.MustCompile(`^(;;|esac|fi|done|\}|[;\s])*(#.*)?$`)
)

// lastOf says whether no command stands in a text below a line.
func lastOf(text string, line int) bool {
	lines := strings.Split(text, "\n")
	return line >= 1 && line <= len(lines) && !strings.ContainsAny(lines[line-1], "&|") &&
		!slices.ContainsFunc(lines[line:], func(l string) bool { return !closes.MatchString(strings.TrimSpace(l)) })
}

// commands of a release's script, which are no programs of their own.
var ofScript = []string{"start", "start_iex", "daemon", "daemon_iex", "rpc", "remote"}

// gone says whether it is certain that a program is not there which is to start the release: a release's script of another name,
// or a command of that script without it.
func (l *starter) gone(argv []string, from string, depth int) bool {
	p := l.app.project
	if p == nil || l.goesOn || l.own && depth == 0 {
		return false
	}
	if slices.Contains(ofScript, argv[0]) {
		images := p.Images()
		for _, d := range images {
			if base := d.Base(d.Final()).Ref; !d.Lacks(argv[0]) || !base.Known() || !systems.MatchString(base.Value) {
				return false
			}
		}
		return depth > 0 && len(images) > 0 && !p.Has("rel/overlays/bin/"+argv[0])
	}
	if len(argv) < 2 || !slices.Contains(ofScript, argv[1]) {
		return false
	}
	beside := strings.HasPrefix(from, "rel/overlays/bin/") && besideIt.MatchString(argv[0])
	if !path.IsAbs(argv[0]) && slices.ContainsFunc(strings.Split(l.texts, "\n"), func(line string) bool {
		return changesDir.MatchString(line) && (!beside || !strings.Contains(line, "dirname"))
	}) {
		return false // what it is called from is not known
	}
	return (beside || ofRelease.MatchString(argv[0])) && p.NotInRelease(argv[0], beside)
}

// unknownProgram says of a program that is not there what is.
func (l *starter) unknownProgram(argv []string) string {
	names, _ := l.app.project.ReleaseNames()
	made := "bin/" + strings.Join(names, " and bin/")
	if path.Base(argv[0]) == argv[0] && slices.Contains(ofScript, argv[0]) {
		return argv[0] + " is run as a program, which the image does not have: it is a command of " + made + ", and the container does not start"
	}
	return "it starts " + argv[0] + ", which is not in the release: mix release makes " + made + ", and the container does not start"
}
