package project

import (
	"maps"
	"strings"
)

// setters are what ENV and ARG have set so far, as the words of COPY see it.
type setters struct {
	put  expander
	envs map[string]string
	args map[string]string // the defaults of ARGs, which who builds may set otherwise
}

func newSetters() setters {
	return setters{expanderOf('\\'), map[string]string{}, map[string]string{}}
}

// read takes in one instruction. A value that hangs on what is not known here is none.
func (s setters) read(i Instruction) {
	if i.Name != "ENV" && i.Name != "ARG" {
		return
	}
	before := s.all() // all of one ENV see what was before it
	for name, value := range i.Set() {
		text, used, missing := s.put(value, before)
		switch byArg := i.Name == "ARG" || used && s.hangs(value); {
		case len(missing) > 0:
			delete(s.envs, name)
			delete(s.args, name)
		case byArg:
			s.args[name] = text
			if i.Name == "ENV" {
				delete(s.envs, name)
			}
		default:
			s.envs[name] = text
			delete(s.args, name)
		}
	}
}

// all are the values that a word is expanded by: an ENV stands before an ARG of its name.
func (s setters) all() map[string]string {
	all := maps.Clone(s.args)
	maps.Copy(all, s.envs)
	return all
}

// hangs says whether a word is another where somebody sets another value for an ARG.
func (s setters) hangs(word string) bool {
	_, _, missing := s.put(word, s.envs)
	return len(missing) > 0
}

// expand puts the values into a word of COPY. Where one is not known, or may be another, the word is computed: what is known
// of it is in it none the less.
func (s setters) expand(word string) (text string, computed bool) {
	if !strings.Contains(word, "$") {
		return word, false
	}
	text, _, missing := s.put(word, s.all())
	if len(missing) > 0 {
		return word, true
	}
	return text, s.hangs(word)
}

// fromElsewhere says whether a path begins with a directory that is written out and is not the one that a file is in.
func fromElsewhere(source, file string) bool {
	dir, _, deeper := strings.Cut(source, "/")
	top, _, _ := strings.Cut(file, "/")
	return deeper && dir != top && !strings.ContainsAny(dir, "*?[$.")
}
