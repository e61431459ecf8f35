package project

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// readDockerfile reads one by BuildKit's own parser.
func readDockerfile(file, text string) Dockerfile {
	d := Dockerfile{File: file, Text: text}
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		d.Broken, d.At = err.Error(), Pos{File: file}
		if where := (*parser.LocationError)(nil); errors.As(err, &where) && len(where.Locations) > 0 && len(where.Locations[0]) > 0 {
			d.At.Line = where.Locations[0][0].Start.Line
		}
	}
	if result == nil || result.AST == nil {
		return d
	}
	expand := expanderOf(result.EscapeToken)
	lines := strings.Split(text, "\n")
	args := map[string]string{} // of before the first FROM
	for _, n := range result.AST.Children {
		i := instruction(file, lines, n)
		if i.Name == "FROM" {
			d.Stages = append(d.Stages, d.stage(i, expand, args))
			continue
		}
		if len(d.Stages) == 0 {
			if i.Name == "ARG" {
				for k, v := range i.set {
					if text, _, missing := expand(v, args); len(missing) == 0 {
						args[k] = text
					}
				}
			}
			continue
		}
		s := &d.Stages[len(d.Stages)-1]
		s.Instructions = append(s.Instructions, i)
	}
	return d
}

func instruction(file string, lines []string, n *parser.Node) Instruction {
	i := Instruction{Name: strings.ToUpper(n.Value), Exec: n.Attributes["json"], Flags: n.Flags, Text: n.Original, End: n.EndLine, At: Pos{file, n.StartLine, 1}}
	if n.StartLine > 0 && n.StartLine <= len(lines) {
		line := lines[n.StartLine-1]
		i.At.Col = len(line) - len(strings.TrimLeft(line, " \t\ufeff")) + 1
	}
	for w := n.Next; w != nil; w = w.Next {
		i.Words = append(i.Words, w.Value)
	}
	for _, h := range n.Heredocs {
		i.Document += h.Content
	}
	switch i.Name {
	case "ENV", "LABEL": // name, value, separator
		i.set = map[string]string{}
		for w := 0; w+1 < len(i.Words); w += 3 {
			i.set[i.Words[w]] = i.Words[w+1]
		}
	case "ARG":
		i.set = map[string]string{}
		for _, w := range i.Words {
			if name, value, ok := strings.Cut(w, "="); ok {
				i.set[name] = value
			}
		}
	}
	return i
}

// environ are variables as a Dockerfile's words see them.
type environ map[string]string

func (e environ) Get(name string) (string, bool) { v, ok := e[name]; return v, ok }

// Keys are the names that are set.
func (e environ) Keys() []string { return slices.Collect(maps.Keys(e)) }

// expanderOf is the one of a Dockerfile whose escape character is this.
func expanderOf(escape rune) expander {
	lex := shell.NewLex(escape)
	return func(word string, vars map[string]string) (text string, used bool, missing []string) {
		result, err := lex.ProcessWordWithMatches(word, environ(vars))
		if err != nil {
			return word, false, []string{word}
		}
		missing = slices.Sorted(maps.Keys(result.Unmatched))
		return result.Result, len(result.Matched)+len(missing) > 0, missing
	}
}
