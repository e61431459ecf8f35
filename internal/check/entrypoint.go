package check

import (
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// overriddenCommand says whether every workload of the project names its command itself, so that the image's is not run.
func (in *Input) overriddenCommand() bool {
	return in.every(func(b Beam) bool { return b.Container.Key("command").Exists() })
}

// commands are what an image runs: ENTRYPOINT and CMD, as far as the Dockerfile says.
func commands(d project.Dockerfile) (all []project.Instruction) {
	entry, ok := d.Last(d.Final(), "ENTRYPOINT")
	if ok {
		all = append(all, entry)
		if !entry.Exec {
			return all // which leaves CMD out
		}
	}
	if cmd, ok := d.Last(d.Final(), "CMD"); ok {
		all = append(all, cmd)
	}
	return all
}

func mixInImage(in *Input, f *Finder) {
	if in.overriddenCommand() {
		return
	}
	released := slices.ContainsFunc(in.Project.Dockerfiles, func(d project.Dockerfile) bool { _, _, ok := d.Release(); return ok })
	for _, d := range in.deployed() {
		if released { // the others are for work on the app
			mixWithoutMix(f, d)
			continue
		}
		for _, i := range commands(d) {
			if found := mixCommand.FindString(runText(i)); found != "" {
				f.In(d.File, i.At, "the image runs %s", found).As(finding.Warning, Certain)
			}
		}
	}
}

// mixWithoutMix finds images that run mix and have none: they get a release, and stand on a bare system.
func mixWithoutMix(f *Finder, d project.Dockerfile) {
	base := d.Base(d.Final())
	if _, ok := takesRelease(d); !ok || !base.Ref.Known() || !readBase(base.Ref.Value).bare {
		return
	}
	for _, i := range d.Chain(d.Final()) {
		if text := runText(i); i.Name == "RUN" && (strings.Contains(text, "elixir") || strings.Contains(text, "mix")) || i.Name == "COPY" && strings.Contains(text, "/usr/local") {
			return // it may be installed
		}
	}
	for _, i := range commands(d) {
		if found := mixCommand.FindString(runText(i)); found != "" {
			f.In(d.File, i.At, "the image runs %s, and has no mix: it gets a release, and stands on %s", found, base.Ref.Value).As(finding.Error, Certain).
				Mend("start the release: CMD [\"/app/bin/NAME\", \"start\"]")
		}
	}
}

// startsLine is a release that is started, also by Phoenix's bin/server.
var startsLine = regexp.MustCompile(`(^|[\s;&|/"])bin/(server\b|[A-Za-z0-9_-]+["']?\s+["']?(start|start_iex|foreground|daemon_iex)\b)`)

func shellInImage(in *Input, f *Finder) {
	if in.overriddenCommand() {
		return
	}
	for _, d := range in.deployed() {
		if d.Final() < 0 {
			continue
		}
		for n, i := range commands(d) {
			if i.Exec {
				scriptWithoutExec(in, f, d, i)
				if n == 0 {
					listedShell(in, f, d, i)
				}
				continue
			}
			if piped(runText(i)) {
				f.In(d.File, i.At, "%s starts the release in a pipe of the shell's: the shell is process 1, and the release is not told to stop", i.Name).
					Mend("write to the standard output alone, and start it as a list: %s [\"/app/bin/NAME\", \"start\"]", i.Name)
				continue
			}
			found, last := staysBefore(runText(i))
			switch {
			case found && last:
				n := f.In(d.File, i.At, "%s is in the shell's form without exec: the shell is process 1, and the release is not told to stop", i.Name).
					Mend("write it as a list, %s [\"/app/bin/NAME\", \"start\"], or put exec in front", i.Name)
				n.ifReplaced(d, "sh")
				if name, rest, ok := strings.Cut(i.Text, " "); ok && i.End == i.At.Line && i.Document == "" {
					n.Edited(in.execBefore(i.At, name+" ", rest))
				}
			case found:
				f.In(d.File, i.At, "%s is in the shell's form and has commands behind the release: the shell is process 1, and the release is not told to stop", i.Name).
					Mend("take out what stands behind it, and write it as a list, %s [\"/app/bin/NAME\", \"start\"], or put exec in front", i.Name)
			}
		}
	}
}

// listedShell looks at a shell in the list of what an image runs: ["sh", "-c", TEXT].
func listedShell(in *Input, f *Finder, d project.Dockerfile, i project.Instruction) {
	if len(i.Words) < 3 || !isShell(path.Base(i.Words[0])) {
		return
	}
	shell := path.Base(i.Words[0])
	for k, flag := range i.Words[1 : len(i.Words)-1] {
		if !strings.HasPrefix(flag, "-") || !strings.HasSuffix(flag, "c") {
			continue
		}
		text := i.Words[k+2]
		found, last := staysBefore(text)
		if !found || piped(text) {
			return
		}
		n := f.In(d.File, i.At, "%s starts the release by %s without exec: %s is process 1, and the release is not told to stop", i.Name, shell, shell)
		if !last {
			n.Mend("take out what stands behind the release, and write exec before it")
		} else if now, ok := withExec(text); ok && i.End == i.At.Line && i.Document == "" && strings.Contains(i.Text, `"`+text+`"`) {
			n.Edited(in.rewrite(i.At, i.Text, strings.Replace(i.Text, `"`+text+`"`, `"`+now+`"`, 1)))
		}
		if last {
			n.ifReplaced(d, shell)
		}
		return
	}
}

// ifReplaced weighs a shell's last command: bash, and BusyBox' sh that Alpine has, may put it in their own place.
func (n *Finding) ifReplaced(d project.Dockerfile, shell string) {
	if shell != "bash" {
		base := d.Base(d.Final()).Ref
		if !base.Known() || !strings.Contains(base.Value, "alpine") {
			return
		}
		shell = "BusyBox' " + shell
	}
	n.As(finding.Info, Hint).Saw("%s may put the last command in its own place", shell)
}

// staysBefore says whether a shell stays while the release runs that its text starts, and whether the release is the last
// command of all. One before the last is only sought in commands in a row.
func staysBefore(text string) (found, last bool) {
	if strings.Contains(text, "trap ") {
		return false, false
	}
	if line := lastCommand(text); startsLine.MatchString(line) && !execs.MatchString(line) {
		return true, true
	}
	if strings.Contains(strings.ReplaceAll(text, "&&", ""), "&") || keyword.MatchString(text) || strings.ContainsAny(text, "(){}<") {
		return false, false
	}
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ';' || r == '&' || r == '|' }) {
		line = strings.TrimSpace(line)
		if startsFirst.MatchString(line) && !execs.MatchString(line) {
			return true, false
		}
	}
	return false, false
}

var (
	// execs is a command in place of the shell, also behind variables that are set for it.
	execs = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*=\S*\s+)*exec\s`)
	// startsFirst is a command that is the release's itself, and not one that only names it.
	startsFirst = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*=\S*\s+)*[A-Za-z0-9_./-]*bin/(server$|[A-Za-z0-9_-]+\s+(start|start_iex|foreground)\b)`)
	// startsHere is a release that a script beside it starts.
	startsHere = regexp.MustCompile(`(^|\s)\./[A-Za-z0-9_-]+["']?\s+["']?(start|start_iex|foreground)\b`)
)

// numbered gives a text's lines with their numbers, which begin at 1.
func numbered(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(text) {
			if n++; !yield(n, line) {
				return
			}
		}
	}
}

// comment says whether a line of a script or of a configuration is a comment.
func comment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// lastCommand is the last of a shell's lines.
func lastCommand(text string) string {
	lines := strings.FieldsFunc(strings.TrimSpace(text), func(r rune) bool { return r == '\n' || r == ';' || r == '&' || r == '|' })
	if len(lines) == 0 {
		return ""
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// piped says whether a shell's last command is a release whose output goes into another program: exec does not help there.
func piped(text string) bool {
	lines := strings.FieldsFunc(strings.TrimSpace(text), func(r rune) bool { return r == '\n' || r == ';' || r == '&' })
	if len(lines) == 0 {
		return false
	}
	parts := strings.Split(strings.ReplaceAll(lines[len(lines)-1], "||", "\x00"), "|")
	return len(parts) > 1 && startsLine.MatchString(parts[0])
}

// scriptWithoutExec looks into a script of the project that an image runs. A shell that reads a script does not put its last
// command in its own place.
func scriptWithoutExec(in *Input, f *Finder, d project.Dockerfile, i project.Instruction) {
	file, text := in.entryScript(d, i)
	first := initOf(d)
	if file == "" || strings.Contains(text, "trap ") || first == tellsAll {
		return
	}
	for _, words := range in.imageRuns(d) {
		taken := text
		for _, t := range in.Project.Start(words).Texts {
			if t.File == file {
				taken = t.Text
			}
		}
		last, before, at, col := lastLine(taken)
		starts := startsLine.MatchString(last) || startsHere.MatchString(last) || strings.HasPrefix(last, `"$@"`)
		if !starts || strings.Contains(last, "exec ") {
			continue
		}
		stays := "the shell stays process 1, and the release is not told to stop"
		if first != "" {
			stays = first + " is process 1 and tells the shell that it started, which stays and passes nothing on: the release is not told to stop"
		}
		n := f.In(d.File, project.Pos{File: file, Line: at, Col: 1}, "%s starts the release without exec: %s", file, stays).
			Mend("write exec before the last command of %s", file).place(in, i.At, "run by the image")
		if !strings.HasSuffix(before, `\`) && !strings.HasSuffix(before, "|") && !strings.Contains(text, "<<") {
			n.Edited(in.execBefore(project.Pos{File: file, Line: at, Col: col}, "", last))
		}
		return
	}
}

// imageRuns are the words that containers of an image are started with, one text for each way.
func (in *Input) imageRuns(d project.Dockerfile) (all []string) {
	for _, b := range in.OfProject() {
		if words := startWordsOf(b, d); !b.Container.Key("command").Exists() && !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	if len(all) == 0 {
		all = append(all, strings.Join(d.Runs(nil, nil), " "))
	}
	return all
}

// tellsAll is of a process 1 that passes signals on to all that its child has started, and not to the child alone.
const tellsAll = "all"

// initOf is the program that an image puts before what it runs, to pass signals on; empty: none.
func initOf(d project.Dockerfile) string {
	words := d.Runs(nil, nil)
	if len(words) == 0 {
		return ""
	}
	first, flags := path.Base(words[0]), ""
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") || w == "--" {
			break
		}
		flags += " " + w + " "
	}
	has := func(flag string) bool { return strings.Contains(flags, " "+flag+" ") }
	switch first {
	case "tini", "docker-init", "catatonit":
		if has("-g") {
			return tellsAll
		}
		return first
	case "dumb-init":
		if !has("-c") && !has("--single-child") {
			return tellsAll
		}
		return first
	}
	return ""
}

var (
	// ofBranch is what stands before a command in a line of case.
	ofBranch = regexp.MustCompile(`^\(?["'\w*.|\s-]+\)\s+`)
	// closing is a line of a script that ends a branch, and no command.
	closing = regexp.MustCompile(`^(;;|esac|fi|\}|[;\s])+$`)
)

// lastLine is the last command of a script, the line above it, and where it stands.
func lastLine(text string) (last, before string, at, col int) {
	for n, whole := range numbered(text) {
		line := strings.TrimSpace(whole)
		if line == "" || comment(line) || closing.MatchString(line) {
			continue
		}
		start := strings.Index(whole, line)
		if m := ofBranch.FindString(line); m != "" {
			start, line = start+len(m), line[len(m):]
		}
		last, before, at, col = strings.TrimSpace(strings.TrimSuffix(line, ";;")), last, n, start+1
	}
	return last, before, at, col
}

// entryScript is the script of the project that an instruction runs, and its text.
func (in *Input) entryScript(d project.Dockerfile, i project.Instruction) (file, text string) {
	if len(i.Words) == 0 {
		return "", ""
	}
	base := path.Base(i.Words[len(i.Words)-1])
	if first := path.Base(i.Words[0]); strings.Contains(first, ".") || len(i.Words) == 1 {
		base = first
	}
	names := []string{path.Join("rel/overlays/bin", base)}
	for _, c := range d.Chain(d.Final()) {
		if c.Name != "COPY" && c.Name != "ADD" || len(c.Words) < 2 {
			continue
		}
		for _, source := range c.Words[:len(c.Words)-1] {
			if path.Base(source) == base || path.Base(c.Words[len(c.Words)-1]) == base {
				names = append(names, path.Clean(strings.TrimPrefix(source, "/")))
			}
		}
	}
	for _, name := range names {
		if text := in.ProjectText(name); strings.HasPrefix(text, "#!") {
			return name, text
		}
	}
	return "", ""
}

var inCommand = regexp.MustCompile(`\$\{?[A-Za-z_][A-Za-z0-9_]*\}?`)

func variableInImage(in *Input, f *Finder) {
	if in.overriddenCommand() {
		return
	}
	for _, d := range in.deployed() {
		shell := false
		for _, i := range commands(d) {
			if len(i.Words) == 0 || !i.Exec {
				continue
			}
			shell = shell || isShell(path.Base(i.Words[0]))
			for _, w := range i.Words {
				if found := inCommand.FindString(w); found != "" && !shell {
					f.In(d.File, i.At, "%s stands in the list of %s, and no shell replaces it", found, i.Name).
						Mend("write out what it stands for, or let a shell do it: [\"sh\", \"-c\", \"exec ...\"]")
				}
			}
		}
	}
}
