package project

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Start is how a container comes to start the release, as far as its words and the project's scripts tell.
type Start struct {
	// Texts are what is run on the way, its own words first: each as it stands there, with spaces in place of the branches that
	// are certainly not taken.
	Texts []StartText
	// Release is what starts it, in the words that stand there: bin/shop start. Empty: nothing that is read does.
	Release string
	// Unread is what is run and is no script of the project's. Empty: all that is run was read.
	Unread string
}

// StartText is a text that is run where a container starts.
type StartText struct {
	File string // of the project; empty: the container's own words
	Text string
}

// Known says whether all is read that is run before the release, and the release is started by it.
func (s *Start) Known() bool { return s.Release != "" && s.Unread == "" }

var (
	// StartsRelease is how a release, or mix in its place, is started by a container's words.
	StartsRelease = regexp.MustCompile(`(^|[\s"'/])bin/[A-Za-z0-9_-]+["']?\s+["']?(start|start_iex|foreground|console|daemon|daemon_iex)\b|\bmix\s+(phx\.server|run)\b|\b(elixir|iex)\s+-`)
	// startsInScript is a script's command that starts a release.
	startsInScript = regexp.MustCompile(`(?:/|\bexec\s+["']?)[A-Za-z0-9_-]+["']?\s+["']?(start|start_iex|foreground|console|daemon|daemon_iex)\b|\bmix\s+(phx\.server|run)\b`)
	// inScript is a program that a script names by its path.
	inScript = regexp.MustCompile(`/([A-Za-z0-9_.-]+)`)
	// program is a word that may be the path of a script of the team's.
	program = regexp.MustCompile(`^[\w./-]+$`)
)

// PassesOn are programs that start another one in the environment that they have.
var PassesOn = regexp.MustCompile(`^(|.*/)(tini|dumb-init|docker-init|catatonit|exec|env|nice|gosu|su-exec|setpriv)$`)

// Shells are programs that read a script, or a text behind -c.
var Shells = regexp.MustCompile(`^(|.*/)(sh|ash|bash|dash)$`)

// Start follows the words that a container is started with through the scripts of the project, of which one may run another.
func (p *Project) Start(words string) *Start {
	s := &Start{Texts: []StartText{{Text: words}}}
	before := words
	if m := StartsRelease.FindStringIndex(words); m != nil {
		// What stands before it, without the directory that it is in.
		before, s.Release = words[:strings.LastIndexAny(words[:m[0]+1], " \t\n\"'")+1], strings.TrimLeft(words[m[0]:m[1]], " \t\n\"'/")
	}
	all := strings.Fields(words)
	for i, whole := range strings.Fields(before) {
		word := strings.Trim(whole, `"';&|()`)
		if !program.MatchString(word) || strings.HasPrefix(word, "-") || PassesOn.MatchString(word) || Shells.MatchString(word) {
			continue
		}
		argument := ""
		if i+1 < len(all) && word == whole {
			argument = all[i+1]
		}
		found := s.follow(p, path.Base(word), func(text string) string { return taken(text, argument) })
		if !found && s.Unread == "" && (strings.Contains(word, "/") || strings.HasSuffix(word, ".sh")) {
			s.Unread = word
		}
	}
	return s
}

// follow takes in a script of the project, and those that it runs. Cut leaves out what a script does not do; nil: it was
// started by another one, and must be a script by its looks.
func (s *Start) follow(p *Project, base string, cut func(text string) string) (found bool) {
	for _, name := range p.called(base) {
		if slices.ContainsFunc(s.Texts, func(t StartText) bool { return t.File == name }) {
			return true
		}
		text := p.script(name)
		if text == "" || cut == nil && !strings.HasPrefix(text, "#!") {
			continue
		}
		if cut != nil {
			text = cut(text)
		}
		s.Texts = append(s.Texts, StartText{name, text})
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			if m := startsInScript.FindString(line); m != "" && s.Release == "" {
				s.Release = strings.TrimSpace(m)
			}
			for _, m := range inScript.FindAllStringSubmatch(line, -1) {
				s.follow(p, m[1], nil)
			}
		}
		return true
	}
	return false
}
