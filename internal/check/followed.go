package check

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	// startsInScript is a script's command that starts a release.
	startsInScript = regexp.MustCompile(`(?:/|\bexec\s+["']?)[A-Za-z0-9_-]+["']?\s+["']?(start|start_iex|foreground|console|daemon|daemon_iex)\b|\bmix\s+(phx\.server|run)\b`)
	// inScript is a program that a script names by its path.
	inScript = regexp.MustCompile(`/([A-Za-z0-9_.-]+)`)
	// caseOfFirst and ifOfFirst begin a choice by a script's first argument.
	caseOfFirst = regexp.MustCompile(`\bcase\s+["']?(?:\$1|\$\{1(?::?-([A-Za-z0-9_-]*))?\})["']?\s+in\b`)
	ifOfFirst   = regexp.MustCompile(`\bif\s+\[+\s+["']?(?:\$1|\$\{1(?::?-([A-Za-z0-9_-]*))?\})["']?\s+==?\s+["']?([A-Za-z0-9_-]+)["']?\s+\]+\s*;?\s*then\b`)
	ifKeyword   = regexp.MustCompile(`\b(if|elif|else|fi)\b`)
	plainWord   = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
)

// scriptPlaces are the directories in which scripts lie that get into an image.
var scriptPlaces = []string{"rel/overlays/bin", "rel/overlays", ".", "bin", "scripts", "docker", "rel"}

// starts notes what starts the release: by itself, or through scripts, of which one may start another.
func (s *surroundings) starts(in *Input, words string) {
	s.scripts = append(s.scripts, shellText{itsCommand, words})
	before, started, lost := words, false, false
	if m := startWords.FindStringIndex(words); m != nil {
		// What stands before it, without the directory that it is in.
		before, started = words[:strings.LastIndexAny(words[:m[0]+1], " \t\n\"'")+1], true
	}
	all := strings.Fields(words)
	for i, whole := range strings.Fields(before) {
		word := strings.Trim(whole, `"';&|()`)
		if !scriptWord.MatchString(word) || strings.HasPrefix(word, "-") || passesOn.MatchString(word) {
			continue
		}
		argument := ""
		if i+1 < len(all) && word == whole {
			argument = all[i+1]
		}
		found, starts := s.follow(in, path.Base(word), func(text string) string { return taken(text, argument) })
		started = started || starts
		lost = lost || !found && (strings.Contains(word, "/") || strings.HasSuffix(word, ".sh"))
	}
	if (lost || !started) && s.image == "" {
		s.image = "what starts it"
	}
}

// follow notes a script of the project, and those that it runs; starts says whether one of them starts the release in a way
// that is read. Cut leaves out what a script does not do; nil: it was started by another one, and must be a script by its looks.
func (s *surroundings) follow(in *Input, base string, cut func(text string) string) (found, starts bool) {
	for _, dir := range scriptPlaces {
		name := path.Join(dir, base)
		if slices.ContainsFunc(s.scripts, func(t shellText) bool { return t.called == name }) {
			return true, false
		}
		text := in.ProjectText(name)
		if text == "" || cut == nil && !strings.HasPrefix(text, "#!") {
			continue
		}
		if cut != nil {
			text = cut(text)
		}
		s.scripts = append(s.scripts, shellText{name, text})
		for line := range strings.Lines(text) {
			if comment(line) {
				continue
			}
			starts = starts || startsInScript.MatchString(line)
			for _, m := range inScript.FindAllStringSubmatch(line, -1) {
				if _, does := s.follow(in, m[1], nil); does {
					starts = true
				}
			}
		}
		return true, starts
	}
	return false, false
}

// taken is a script without what it does not do when it is given an argument: the other branches of case "$1" and of
// if [ "$1" = NAME ], in place of which are spaces. What is not plain is left as it is.
func taken(text, argument string) string {
	if argument != "" && !plainWord.MatchString(argument) {
		return text
	}
	blank := []byte(text)
	wipe := func(from, to int) {
		for i := from; i < to; i++ {
			if blank[i] != '\n' {
				blank[i] = ' '
			}
		}
	}
	if m := caseOfFirst.FindStringSubmatchIndex(text); m != nil {
		body, _, ended := strings.Cut(text[m[1]:], "esac")
		if ended && !strings.Contains(body, "case ") {
			wipeBranches(body, m[1], argumentOr(text, m, argument), wipe)
		}
	}
	for _, m := range ifOfFirst.FindAllStringSubmatchIndex(text, -1) {
		end := ifKeyword.FindStringSubmatchIndex(text[m[1]:])
		if end == nil || text[m[1]+end[2]:m[1]+end[3]] == "if" || argumentOr(text, m, argument) == text[m[4]:m[5]] {
			continue
		}
		wipe(m[1], m[1]+end[0])
	}
	return string(blank)
}

// argumentOr is the argument, or what a script takes in its place.
func argumentOr(text string, m []int, argument string) string {
	if argument == "" && m[2] >= 0 {
		return text[m[2]:m[3]]
	}
	return argument
}

// wipeBranches wipes all branches of a case but the first that an argument fits; none where a pattern is not plain.
func wipeBranches(body string, from int, argument string, wipe func(from, to int)) {
	type branch struct {
		from, to int
		fits     bool
	}
	var all []branch
	for part := range strings.SplitSeq(body, ";;") {
		start := from
		from += len(part) + len(";;")
		pattern, _, ok := strings.Cut(part, ")")
		if !ok {
			if strings.TrimSpace(part) != "" {
				return
			}
			continue
		}
		b := branch{from: start, to: start + len(part)}
		for one := range strings.SplitSeq(strings.TrimLeft(strings.TrimSpace(pattern), "("), "|") {
			one = strings.Trim(strings.TrimSpace(one), `"'`)
			if one != "*" && one != "" && !plainWord.MatchString(one) {
				return
			}
			b.fits = b.fits || one == "*" || one == argument
		}
		all = append(all, b)
	}
	first := slices.IndexFunc(all, func(b branch) bool { return b.fits })
	for i, b := range all {
		if i != first {
			wipe(b.from, b.to)
		}
	}
}
