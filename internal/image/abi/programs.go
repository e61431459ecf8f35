package abi

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// calls are the programs that the scripts name and do not define themselves, interpreters included, in
// order of names.
func (r *Release) calls() (all []call) {
	functions := map[string]bool{} // scripts source one another
	for _, s := range r.scripts {
		for f := range s.functions {
			functions[f] = true
		}
	}
	for _, s := range r.scripts {
		if s.interpreter != "" {
			all = append(all, call{name: s.interpreter, script: s.name, line: 1, chain: r.inChain(s.name)})
			if path.Base(s.interpreter) == "env" && s.argument != "" {
				all = append(all, call{name: s.argument, script: s.name, line: 1, chain: r.inChain(s.name)})
			}
		}
		for _, c := range s.calls {
			if functions[c.name] || builtins[c.name] {
				continue
			}
			c.chain = r.inChain(s.name)
			c.may = c.may || s.guarded[c.name] || s.setsPath
			all = append(all, c)
		}
	}
	if !r.erts && len(r.scripts) > 0 {
		all = append(all, call{name: "erl", script: r.scripts[0].name, chain: true})
	}
	slices.SortStableFunc(all, func(a, b call) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.script, b.script), cmp.Compare(a.line, b.line))
	})
	return all
}

// defaultPath is what a container has for PATH where its image sets none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// missingPrograms gives the calls that find nothing.
func missingPrograms(r *Release, base *Root, env []string) (gone []call) {
	dirs := strings.Split(cmp.Or(lookup(env, "PATH"), defaultPath), ":")
	for _, s := range r.scripts {
		dirs = append(dirs, s.path...)
	}
	files := layers{r.files, base.files}
	there := func(name string) bool {
		_, n, ok := files.stat(name)
		return ok && n.Exec
	}
	for _, c := range r.calls() {
		if strings.HasPrefix(c.name, "/") && there(c.name) {
			continue
		}
		if !strings.HasPrefix(c.name, "/") && slices.ContainsFunc(dirs, func(dir string) bool {
			return strings.HasPrefix(dir, "/") && there(path.Join(dir, c.name))
		}) {
			continue
		}
		gone = append(gone, c)
	}
	return gone
}
