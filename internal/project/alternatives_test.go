package project

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// made is a topology as some configuration makes it: its strategy, and the keys under config:.
type made struct {
	strategy string
	keys     map[string]bool
}

func (m *made) String() string {
	if m == nil {
		return "none"
	}
	return m.strategy + " " + strings.Join(slices.Sorted(maps.Keys(m.keys)), " ")
}

// branching writes a random configuration of one topology, and says what it does in an environment.
type branching struct {
	r    *rand.Rand
	text strings.Builder
	does []func(env Env, m **made)
	n    int
}

var branchNames = []string{"A", "B"}

func (b *branching) condition() (text string, holds func(Env) bool) {
	name := branchNames[b.r.IntN(len(branchNames))]
	get := `System.get_env("` + name + `")`
	switch b.r.IntN(5) {
	case 0:
		return get, func(e Env) bool { return e(name).Set }
	case 1:
		return "!" + get, func(e Env) bool { return !e(name).Set }
	case 2:
		return get + ` != "1"`, func(e Env) bool { return !e(name).Set || e(name).Value != "1" }
	case 3:
		return get + ` == "1" || System.get_env("B") == "2"`, func(e Env) bool { return e(name).Value == "1" || e("B").Value == "2" }
	default:
		return get + ` == "1"`, func(e Env) bool { return e(name).Value == "1" }
	}
}

func (b *branching) steps(depth int, holds func(Env) bool) {
	for range 1 + b.r.IntN(2) {
		b.step(depth, holds)
	}
}

func (b *branching) step(depth int, holds func(Env) bool) {
	also := func(more func(Env) bool) func(Env) bool { return func(e Env) bool { return holds(e) && more(e) } }
	kind := b.r.IntN(4)
	if depth == 0 {
		kind = 0
	}
	switch kind {
	case 1:
		text, is := b.condition()
		b.text.WriteString("if " + text + " do\n")
		b.steps(depth-1, also(is))
		b.text.WriteString("else\n")
		b.steps(depth-1, also(func(e Env) bool { return !is(e) }))
		b.text.WriteString("end\n")
	case 2:
		name := branchNames[b.r.IntN(len(branchNames))]
		b.text.WriteString(`case System.get_env("` + name + "\") do\n\"1\" ->\n")
		b.steps(depth-1, also(func(e Env) bool { return e(name).Value == "1" }))
		b.text.WriteString("\"2\" ->\n")
		b.steps(depth-1, also(func(e Env) bool { return e(name).Value == "2" }))
		b.text.WriteString("_ ->\n")
		b.steps(depth-1, also(func(e Env) bool { return e(name).Value != "1" && e(name).Value != "2" }))
		b.text.WriteString("end\n")
	default:
		b.n++
		strategy, key := fmt.Sprintf("S%d", b.n), fmt.Sprintf("k%d", b.n)
		b.text.WriteString("config :libcluster, topologies: [k8s: [strategy: " + strategy + ", config: [" + key + ": 1]]]\n")
		b.does = append(b.does, func(e Env, m **made) {
			if !holds(e) {
				return
			}
			if *m == nil {
				*m = &made{keys: map[string]bool{}}
			}
			(*m).strategy = strategy
			(*m).keys[key] = true
		})
	}
}

// In every environment one alternative holds, and it is what the configuration comes to there.
func TestAlternativesAreTheConfiguration(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	unread := 0
	const rounds = 1500
	for range rounds {
		b := &branching{r: r}
		b.text.WriteString("import Config\n")
		b.steps(2, func(Env) bool { return true })
		p := read(t, "mix.exs", "", "config/runtime.exs", b.text.String())
		if !p.TopologiesUnread.Absent() {
			unread++ // which is no answer, and never a wrong one
			continue
		}
		for _, set := range []string{"", "A=1", "A=2", "A=3,B=1", "A=1,B=2", "B=2", "B=x"} {
			env := environment(set)
			var want *made
			for _, do := range b.does {
				do(env, &want)
			}
			var got []string
			for _, topology := range p.Topologies {
				when := topology.When.Eval(env)
				if truthy, known := when.truth(); !topology.When.Absent() && (!truthy || !known) {
					continue
				}
				m := &made{strategy: topology.Strategy.Eval(env).Text, keys: map[string]bool{}}
				for _, i := range topology.Config.Eval(env).Items {
					if !i.Value.Nil() {
						m.keys[i.Key] = true
					}
				}
				got = append(got, m.String())
			}
			if want == nil && len(got) == 0 {
				continue
			}
			if len(got) != 1 || got[0] != want.String() {
				t.Fatalf("with %q: %q, want %q, of\n%s", set, got, want, b.text.String())
			}
		}
	}
	if unread > rounds/10 {
		t.Errorf("%d of %d were not read", unread, rounds)
	}
}
