package check

import (
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

var (
	// oneCommand is a program with its arguments, behind variables that are set for it, and without anything that would make
	// it more than that, or that quotes.
	oneCommand = regexp.MustCompile(`^((?:[A-Za-z_][A-Za-z0-9_]*=[A-Za-z0-9_./:@%+,-]*[ \t]+)*)([A-Za-z0-9_./-]+(?:[ \t]+[A-Za-z0-9_./:=@%+,${}()-]+)*)$`)
	// inARow are commands before the last: one after the other, whatever comes of them, or while they go well.
	inARow = regexp.MustCompile(`^[^|<>` + "`" + `"'\\(){}\n#]*(&&|;)\s*$`)
)

// withExec puts exec in front of the last command of a shell's line, which changes nothing but the process that it is: no
// command follows it. It is not ok where the line is more than commands in a row.
func withExec(line string) (string, bool) {
	before, last := "", line
	if i := strings.LastIndexAny(line, ";&"); i >= 0 {
		before, last = line[:i+1], line[i+1:]
		if !inARow.MatchString(before) || strings.Contains(strings.ReplaceAll(before, "&&", ""), "&") || keyword.MatchString(before) {
			return "", false
		}
	}
	lead := last[:len(last)-len(strings.TrimLeft(last, " \t"))]
	m := oneCommand.FindStringSubmatch(strings.Trim(last, " \t"))
	if m == nil || strings.HasPrefix(m[2], "exec ") || keyword.MatchString(m[2]) {
		return "", false
	}
	return before + lead + m[1] + "exec " + m[2], true
}

// keyword is one of the shell's own words, with which several lines are one command.
var keyword = regexp.MustCompile(`(^|[\s;&])(if|then|else|elif|fi|for|while|until|do|done|case|esac|function|time|select|!)([\s;]|$)`)

// execBefore is an edit of a file of the project that puts exec in front of the last command of a line.
func (in *Input) execBefore(at project.Pos, lead, line string) (manifest.Edit, bool) {
	now, ok := withExec(line)
	if !ok {
		return manifest.Edit{}, false
	}
	return in.rewrite(at, lead+line, lead+now)
}

// forKubelet writes ${NAME} as the kubelet reads it, $(NAME), where it knows all of the names.
func forKubelet(text string, defined map[string]bool) (string, bool) {
	ok := true
	out := braces.ReplaceAllStringFunc(text, func(v string) string {
		name := v[2 : len(v)-1]
		ok = ok && defined[name]
		return "$(" + name + ")"
	})
	return out, ok && out != text
}

// variablesOf are the names that a container's env defines.
func variablesOf(c manifest.Container) map[string]bool {
	all := map[string]bool{}
	for e := range c.Env() {
		all[e.Called] = true
	}
	return all
}
