package project

import (
	"path"
	"runtime"
	"strings"
	"sync"
	"unicode"
)

// library is what stands in lib: texts, and which of them have which modules.
type library struct {
	r     *reader
	dirs  []string
	files []string
	texts []string         // by file; empty: it can't matter
	homes map[string][]int // files in which a module of that name begins, as it is written there
}

// modulesIn names the modules that begin in a text, by its looks: it may all be quoted. One whose name goes on from
// another's, as __MODULE__.A does, is not among them.
func modulesIn(text string) (names []string) {
	const begins = "defmodule"
	for i := strings.Index(text, begins); i >= 0; i = strings.Index(text, begins) {
		text = strings.TrimPrefix(strings.TrimLeft(text[i+len(begins):], " \t\r\n("), "Elixir.")
		end := strings.IndexFunc(text, func(c rune) bool { return c != '.' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) })
		if end < 0 {
			end = len(text)
		}
		if name := text[:end]; name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			names = append(names, name)
		}
	}
	return names
}

// read reads the files that matter.
func (l *library) read() error {
	l.texts, l.homes = make([]string, len(l.files)), map[string][]int{}
	names, errs := make([][]string, len(l.files)), make([]error, len(l.files))
	sideBySide(len(l.files), func() any { return nil }, func(_ any, i int) {
		text, err := l.r.optional(l.files[i])
		if errs[i] = err; err != nil || !matters(text) && !l.r.starts(l.files[i]) {
			return
		}
		l.texts[i] = text
		names[i] = modulesIn(text)
	})
	for i := range l.files {
		if errs[i] != nil {
			return errs[i]
		}
		for _, n := range names[i] {
			if h := l.homes[n]; len(h) == 0 || h[len(h)-1] != i {
				l.homes[n] = append(h, i)
			}
		}
	}
	return nil
}

// shelf is where one who walks keeps the files that others refer to, read.
type shelf struct {
	*library
	world
	kept   map[string]*kept
	broken []*source
}

// kept is a file that others refer to.
type kept struct {
	*source
	modules map[string]*module
}

func (l *library) shelf(s *settings) *shelf {
	sh := &shelf{library: l, kept: map[string]*kept{}}
	sh.world = world{settings: s, modules: map[string]*module{}, find: sh.find}
	return sh
}

// walk gives the facts of a file.
func (s *shelf) walk(i int, f *facts) {
	if s.texts[i] == "" {
		return
	}
	var src *source
	if k := s.kept[s.files[i]]; k != nil {
		src = k.source
	} else {
		src = s.parse(s.files[i], s.texts[i])
		defer s.lend(src.top, i)()
	}
	look := &lookout{facts: f, script: Running}
	look.walker = newWalker(look.call, look.node)
	look.walker.walk(src.root, &frame{scope: scope{w: &s.world, m: src.top}})
	look.migrator(src.top)
}

func (s *shelf) parse(file, text string) *source {
	src := parse(file, text)
	if src.broken.At.Line > 0 {
		s.broken = append(s.broken, src)
	}
	return src
}

// lend has the modules of a file found as long as it is walked. One that another file has as well, and before it, is that
// other's, whoever asks.
func (s *shelf) lend(top *module, i int) (back func()) {
	all := map[string]*module{}
	index(top, all)
	for name, m := range all {
		if first := s.home(name); len(first) > 0 && first[0] < i {
			delete(all, name)
			continue
		}
		s.modules[name] = m
	}
	return func() {
		for name := range all {
			delete(s.modules, name)
		}
	}
}

// home gives the files in which a module may stand: in which it begins, or one that is around it.
func (l *library) home(name string) (files []int) {
	for name != "" {
		files = append(files, l.homes[name]...)
		name = name[:max(0, strings.LastIndexByte(name, '.'))]
	}
	return files
}

// find looks for a module where it begins, and then in the file that it would stand in, which did not matter until now.
// Phoenix keeps controllers and plugs in directories of their own.
func (s *shelf) find(name string) *module {
	for _, i := range s.home(name) {
		if m := s.keep(s.files[i], s.texts[i]).modules[name]; m != nil {
			return m
		}
	}
	for _, dir := range s.dirs {
		file := path.Join(dir, underscore(name)+".ex")
		for _, below := range []string{"", "controllers", "plugs"} {
			file := path.Join(path.Dir(file), below, path.Base(file))
			if !s.r.p.Has(file) {
				continue
			}
			text, err := s.r.file(file)
			if err != nil {
				continue
			}
			if m := s.keep(file, text).modules[name]; m != nil {
				return m
			}
		}
	}
	return nil
}

// keep reads a file and its modules, once.
func (s *shelf) keep(file, text string) *kept {
	k := s.kept[file]
	if k == nil {
		k = &kept{source: s.parse(file, text), modules: map[string]*module{}}
		index(k.top, k.modules)
		s.kept[file] = k
	}
	return k
}

// index notes the modules of a file.
func index(m *module, all map[string]*module) {
	if m.name != "" && all[m.name] == nil {
		all[m.name] = m
	}
	for _, in := range m.inner {
		index(in, all)
	}
}

// sideBySide does n things in as many goroutines as there are processors, each with what is made for it, and gives those.
func sideBySide[T any](n int, with func() T, do func(own T, i int)) (all []T) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		own := with()
		all = append(all, own)
		wg.Go(func() {
			for i := range next {
				do(own, i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return all
}
