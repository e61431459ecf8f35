package envsh

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// An Entry is what a container runs on its way to bin/APP: a script, or a shell's line. No tag of EEx stands in it.
type Entry struct {
	Source
	At    Pos      // of a line that stands in no file of its own: all of it stands there
	Args  []string // $1 and so on
	Flags string   // that the shell is given: e, u
	Bash  bool     // bash reads it, and not sh
	// Starts says whether a program with its arguments may come to start the release. It is not asked of one that takes the
	// place of the shell.
	Starts func(argv []string) bool
}

// An Arrival is where an entry hands over to another program: one in place of the shell, or one that may start the release.
type Arrival struct {
	Pos  Pos
	Argv []string // of a program whose directory is not known: …/bin/APP
	Why  string   // why Argv is not known
	// Behind says that the shell goes on while it runs in the background.
	Behind bool
	// InPlace says that it takes the place of the shell, and nothing of the script comes after it.
	InPlace bool
	Env
}

// An Entered is what comes of an entry.
type Entered struct {
	// Arrivals are all that there may be; of those to the same program one, with what is known on all ways to it.
	Arrivals []Arrival
	// Ends says that, and where, it ends before it arrives anywhere.
	Ends *Ending
	// Unclear says why nothing is known of it.
	Unclear string
	// Broken says that no shell reads it.
	Broken *SyntaxError
}

// arrivals are collected while an entry is followed.
type arrivals struct {
	starts func([]string) bool
	all    []arrival
	behind int // commands around this one that run in the background
}

type arrival struct {
	Arrival
	s *state
}

// ofBash is what bash reads otherwise than sh does, without a word.
var ofBash = regexp.MustCompile(`\$['"]|(^|[^$"'\\])\{[^{}\s]*(,|\.\.)[^{}\s]*\}|&>|\bprintf\s+-v\b|\bset\s+-[a-z]*k`)

// waits is a loop of bash's that counts, and whatever it counts is known to nobody.
var waits = regexp.MustCompile(`(?m)^\s*for\s+\w+\s+in\s+\{\w+\.\.\w+\}`)

// Enter follows an entry in an environment, up to where it hands over. The error is that of the context.
func Enter(ctx context.Context, entry Entry, env Env, host Host) (*Entered, error) {
	if host.Name == "" {
		host.Name = host.Short
	}
	host.Dash = host.Dash && !entry.Bash
	r := &run{ctx: ctx, env: env, host: host, magic: shellsOwn, bash: entry.Bash, arrived: &arrivals{starts: entry.Starts}}
	s := r.begin()
	for _, o := range entry.Flags {
		if strings.ContainsRune("aefu", o) {
			s.opts[o] = yes
		}
	}
	for _, a := range entry.Args {
		s.params = append(s.params, known(a))
	}
	e := &Entered{}
	m, err := plainText(entry.Source)
	if err == nil && windows(m.src) {
		e.Unclear = m.posOf(strings.Index(m.src, "\r\n")).String() + ": its lines end as Windows writes them"
		return e, nil
	}
	var file *syntax.File
	if err == nil {
		m.fixed = entry.At
		r.script = m
		file, r.foreign, err = m.follow()
	}
	if err != nil {
		e.Unclear = err.Error()
		if odd := (*SyntaxError)(nil); errors.As(err, &odd) && odd.Sure {
			e.Broken = odd
		}
		return e, nil
	}
	if at := ofBash.FindStringIndex(waits.ReplaceAllStringFunc(m.src, func(s string) string { return strings.Repeat(" ", len(s)) })); entry.Bash && at != nil {
		e.Unclear = m.posAt(at[0]).String() + ": this is what bash alone reads so"
		return e, nil
	}
	s = r.whole(s, file)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("following %s: %w", entry.Name, err)
	}
	if e.Unclear = r.unclear; e.Unclear != "" {
		return e, nil
	}
	for _, a := range r.merged() {
		a.Env = r.handed(a.s)
		e.Arrivals = append(e.Arrivals, a.Arrival)
	}
	if s == nil && len(e.Arrivals) == 0 && len(r.endings) > 0 {
		e.Ends = &r.endings[0]
	}
	return e, nil
}

// plainText is a script as it stands there.
func plainText(src Source) (*masked, error) {
	m := &masked{name: src.Name, src: string(src.Text)}
	if err := m.readable(); err != nil {
		return nil, err
	}
	m.out = masksEnds.Replace(m.src)
	return m, nil
}

// posAt is where a byte of the script stands.
func (m *masked) posAt(i int) Pos {
	if m.fixed != (Pos{}) {
		return m.fixed
	}
	return m.posOf(i)
}

// merged are the arrivals, those to the same program as one.
func (r *run) merged() (all []arrival) {
	for _, a := range r.arrived.all {
		i := slices.IndexFunc(all, func(b arrival) bool {
			return a.Why == "" && b.Why == "" && a.Behind == b.Behind && slices.Equal(a.Argv, b.Argv)
		})
		if i < 0 {
			all = append(all, a)
			continue
		}
		all[i].InPlace = all[i].InPlace && a.InPlace
		all[i].s = r.join(all[i].s, a.s, "which way is taken to "+strings.Join(a.Argv, " ")+" is not known")
	}
	return all
}

// handed is the environment that a program gets.
func (r *run) handed(s *state) Env {
	env := Env{Vars: make(map[string]Value, len(s.vars)), Unsure: r.leftUnsure(s), Lost: r.leftLost(s)}
	for name, v := range s.vars {
		if v.set != no && v.exported != no {
			env.Vars[name] = v.value(name, v.exported)
		}
	}
	return env
}

// arrives notes a program that is run with these arguments, where it takes the place of the shell or may start the release.
func (r *run) arrives(s *state, c *simpleCall, argv []text, inPlace bool) bool {
	if r.arrived == nil {
		return false
	}
	a := arrival{Arrival: Arrival{Pos: r.script.pos(c.n.Pos()), Why: c.why, Behind: r.arrived.behind > 0, InPlace: inPlace}}
	for _, t := range argv {
		word, ok := t.plain()
		if !ok {
			_, name, within := cutLast(t.suffix(), '/')
			if word = "…/" + name; !within || len(a.Argv) > 0 {
				word = "…"
			} else if dir, _, bin := cutLast(strings.TrimSuffix(t.suffix(), "/"+name), '/'); bin || dir != "" {
				word = "…" + t.suffix()
			}
		}
		a.Argv = append(a.Argv, word)
	}
	switch {
	case len(argv) == 0:
		a.Why += nothing(a.Why, "which program is run is not known")
	case a.Argv[0] == "…":
		a.Why += nothing(a.Why, argv[0].why())
	case inPlace:
	case !r.arrived.starts(a.Argv):
		return false
	}
	a.s = s.fork()
	for _, set := range c.n.Assigns { // X=1 exec program: it is given to the program
		if v, ok := a.s.vars[set.Name.Value]; ok {
			v.exported = yes
			a.s.vars[set.Name.Value] = v
		}
	}
	r.arrived.all = append(r.arrived.all, a)
	return true
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}
