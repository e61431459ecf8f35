package project

import (
	"path"
	"slices"
	"strings"
)

// VMArgs is a file of flags for the emulator. Mix takes rel/vm.args.eex and rel/remote.vm.args.eex, and no other.
type VMArgs struct {
	File  string
	Text  string
	Taken bool   // Mix takes it; a file without .eex it does not
	Flags []Flag // in their order; what EEx makes is as it stands there
}

// Flag is a line of flags, without comments.
type Flag struct {
	Words []string
	At    Pos
}

// String is the line.
func (f Flag) String() string { return strings.Join(f.Words, " ") }

// vmArgs reads the files of flags in rel.
func (r *reader) vmArgs() error {
	var dirs []string
	if r.p.Templates.Known() {
		dirs = append(dirs, r.p.Templates.Value)
	}
	for _, a := range r.p.Apps {
		if dir := path.Join(a.Dir, templatesDir); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		for _, name := range r.p.Under(dir) {
			if !strings.HasSuffix(strings.TrimSuffix(name, ".eex"), "vm.args") {
				continue
			}
			file := path.Join(dir, name)
			text, err := r.optional(file)
			if err != nil {
				return err
			}
			r.p.VMArgs = append(r.p.VMArgs, VMArgs{File: file, Text: text, Taken: name == "vm.args.eex" || name == "remote.vm.args.eex", Flags: flags(file, text)})
		}
	}
	return nil
}

func flags(file, text string) (all []Flag) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "<%") {
			all = append(all, Flag{words, Pos{file, n, strings.Index(line, words[0]) + 1}})
		}
	}
	return all
}
