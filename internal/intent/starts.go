package intent

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// Command is what an image runs.
type Command struct {
	Entry, Cmd []string // ENTRYPOINT and CMD, as lists of words
	At         string
}

// commands are what the images run that the project's Dockerfiles make: of one called
// Dockerfile where there is one, else of all.
func commands(p *project.Project, shown func(project.Pos) string) (all []Command) {
	for _, d := range imagesOf(p) {
		c := Command{At: shown(project.Pos{File: d.File, Line: 1, Col: 1})}
		if cmd, ok := d.Last(d.Final(), "CMD"); ok {
			c.Cmd, c.At = inWords(cmd), shown(cmd.At)
		}
		if entry, ok := d.Last(d.Final(), "ENTRYPOINT"); ok {
			c.Entry, c.At = inWords(entry), shown(entry.At)
			if !entry.Exec {
				c.Cmd = nil // which a shell's form leaves out
			}
		}
		if len(c.Entry)+len(c.Cmd) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// imagesOf are the Dockerfiles of which one makes the project's image.
func imagesOf(p *project.Project) (all []project.Dockerfile) {
	for _, d := range p.Dockerfiles {
		switch {
		case d.Final() < 0:
		case d.File == "Dockerfile":
			return []project.Dockerfile{d}
		default:
			all = append(all, d)
		}
	}
	return all
}

func inWords(i project.Instruction) []string {
	if i.Exec {
		return i.Words
	}
	return []string{"sh", "-c", strings.Join(i.Words, " ") + i.Document}
}

var (
	// passesOn are programs that start another one in the environment that they have.
	passesOn = regexp.MustCompile(`^(|.*/)(tini|dumb-init|docker-init|catatonit|exec|env|nice|gosu|su-exec|setpriv)$`)
	shells   = regexp.MustCompile(`^(|.*/)(sh|ash|bash|dash)$`)
	// startsRelease is a release that is started, also by Phoenix's bin/server.
	startsRelease = regexp.MustCompile(`(?:^|[\s;&|/"'])bin/(?:server(?:["'\s;&|]|$)|([A-Za-z0-9_-]+)["']?\s+["']?start)`)
	// backgrounds is a release that goes into the background, where its container ends with it.
	backgrounds = regexp.MustCompile(`\bbin/[A-Za-z0-9_-]+["']?\s+["']?daemon(?:_iex)?\b`)
	// naming is a shell's line that sets what a node's name hangs on, or reads a script that may.
	naming = regexp.MustCompile(`\b((?:RELEASE|ERL|ELIXIR)_[A-Z_]+)=|(?:^|[;&|]|\bthen)\s*(\.|source|eval)\s`)
)

// starts reads the name of the release off the words that start it: empty where they leave
// it open. Why says that they may name the node themselves, or start something else than
// the app.
func starts(words []string, app string) (name, why string) {
	for i, w := range words {
		switch {
		case w == "" || strings.HasPrefix(w, "-") || passesOn.MatchString(w):
			continue
		case shells.MatchString(w):
			if n := slices.IndexFunc(words[i:], func(w string) bool { return strings.HasPrefix(w, "-") && strings.HasSuffix(w, "c") }); n >= 0 && i+n+1 < len(words) {
				return startsIn(words[i+n+1], app)
			}
			continue
		case strings.ContainsAny(w, " \t\n;&|"):
			return startsIn(w, app)
		}
		return startsIn(strings.Join(words[i:], " "), app)
	}
	return "", "what starts it is not known"
}

// startsIn reads a shell's line.
func startsIn(line, app string) (name, why string) {
	line = strings.TrimSpace(line)
	m := startsRelease.FindStringSubmatchIndex(line)
	if left := backgrounds.FindString(line); m == nil && left != "" {
		return "", strings.Join(strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(left)), " ") + " leaves the node in the background, and the container ends with the command"
	}
	if m == nil {
		first, _, _ := strings.Cut(line, " ")
		return "", "it starts with " + cmp.Or(first, "an empty line") + ", and not with bin/" + cmp.Or(app, "NAME") + " start"
	}
	if set := naming.FindStringSubmatch(line[:m[1]]); set != nil {
		return "", "the line that starts it has " + cmp.Or(set[1], set[2]) + " in it"
	}
	// What stands before it in the same command, without the directory that it is in.
	before := line[:strings.LastIndexAny(line[:m[0]+1], " \t\n;&|\"'")+1]
	before = before[strings.LastIndexAny(before, ";&|\n")+1:]
	for _, w := range strings.Fields(before) {
		if !passesOn.MatchString(w) && !strings.HasPrefix(w, "-") && !strings.Contains(w, "=") {
			return "", "it is started by " + path.Base(w) + ", which may name the node otherwise"
		}
	}
	if m[2] < 0 {
		return "", ""
	}
	return line[m[2]:m[3]], ""
}
