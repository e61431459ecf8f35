package intent

import (
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// Line is one line of vm.args.
type Line struct {
	Words []string
	At    string
}

// word is one of the flags, and where it comes from.
type word struct{ text, from string }

// flagWords are the flags that erl is given, in its own order: before are those that stand
// before the start script's own, which name the node and give the cookie; after are those
// behind them.
type flagWords struct {
	before, after []word
	unclear       string // why they are not all known; empty: they are
}

func (f flagWords) all() []word { return slices.Concat(f.before, f.after) }

// flags are those of ERL_AFLAGS, of the start script, which are ELIXIR_ERL_OPTIONS and
// vm.args, of ERL_FLAGS and of ERL_ZFLAGS.
func (b *builder) flags(e environment) (f flagWords) {
	add := func(to *[]word, from string, words ...string) {
		for _, w := range words {
			*to = append(*to, word{strings.Trim(w, `"'`), from})
		}
	}
	of := func(to *[]word, name string) {
		switch v, set := e.get(name); {
		case set && !v.Known() && e.vars[name].Why != "":
			f.unclear = name + ": " + v.Why
		case set && v.Known():
			add(to, v.From, strings.Fields(v.Value)...)
		}
	}
	of(&f.before, beam.EnvErlAFlags)
	of(&f.before, beam.EnvElixirErlOptions)
	for _, l := range b.app.VMArgs {
		add(&f.after, l.At, l.Words...)
	}
	of(&f.after, beam.EnvErlFlags)
	of(&f.after, beam.EnvErlZFlags)
	if b.app.VMArgsWhy != "" {
		f.unclear = b.app.VMArgsWhy
	}
	if v, set := e.vars[beam.EnvErlEPMDPort]; set && !v.Known() {
		f.unclear = beam.EnvErlEPMDPort + ": " + v.Why
	}
	return f
}

// values are what stands behind a flag, up to the next one.
func values(words []word) []word {
	if end := slices.IndexFunc(words, func(w word) bool { return w.text == "" || w.text[0] == '-' || w.text[0] == '+' }); end >= 0 {
		return words[:end]
	}
	return words
}

// flagValue is what the first mention of a flag is given.
func flagValue(words []word, flag string) (word, bool) {
	for i, w := range words {
		if all := values(words[i+1:]); w.text == flag && len(all) > 0 {
			return all[0], true
		}
	}
	return word{}, false
}

// ownName is a name that flags give a node in place of RELEASE_NODE.
type ownName struct {
	word
	long bool
}

// name is that, where there is one. Of -name and -sname the latter counts, wherever it
// stands; of two of a kind the first, which the start script's own is for vm.args.
func (f flagWords) name(e environment) (ownName, bool) {
	dist, _ := e.get(beam.EnvReleaseDistribution)
	short, isShort := flagValue(f.all(), "-sname")
	long, isLong := flagValue(f.all(), "-name")
	switch {
	case !dist.Known():
		return ownName{}, false
	case dist.Value == beam.DistributionSName:
		short, isShort = flagValue(f.before, "-sname")
		return ownName{short, false}, isShort
	case isShort:
		return ownName{short, false}, true
	case dist.Value == beam.DistributionName:
		long, isLong = flagValue(f.before, "-name")
	}
	return ownName{long, true}, isLong
}

// distribution reads what decides how the node listens, and where EPMD is asked. What the
// flags do not say of the port the configuration may, which is read before kernel starts.
func (b *builder) distribution(f flagWords, e environment, r *mesh.Replica) {
	r.EPMD = beam.EPMDPort
	if v, set := e.vars[beam.EnvErlEPMDPort]; set && v.Known() {
		if n, err := strconv.ParseUint(v.Value, 10, 16); err == nil && n > 0 {
			r.EPMD = uint16(n)
		}
	}
	all := f.all()
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = w.text
	}
	flags := beam.ReadFlags(texts)
	first, last := b.port(flags.ListenMin, listenMin, e, r), b.port(flags.ListenMax, listenMax, e, r)
	r.ListenMin, r.ListenMax = first, max(first, last)
	if fixed := flags.ERLEPMDPort.Number; fixed != 0 { // which beats the range
		r.FixedPort, r.ListenMin, r.ListenMax, r.ListenWhy = fixed, fixed, fixed, ""
	}
	r.Proto = flags.Proto()
	b.meets(all, flags, e, r)
}

// The settings of kernel that bound the distribution's port.
const listenMin, listenMax = "inet_dist_listen_min", "inet_dist_listen_max"

// port is one end of the range, by a flag or else by the configuration; 0: neither says it.
func (b *builder) port(flag beam.FlagPort, name string, e environment, r *mesh.Replica) uint16 {
	o, ok := b.app.Kernel[name]
	if flag.Given || !ok {
		return flag.Number
	}
	s := o(e.get)
	n, err := strconv.ParseUint(s.Value, 10, 16)
	if s.Known() && (s.Value == "" || err == nil) {
		return uint16(n)
	}
	if r.ListenWhy = s.Why; s.Known() {
		r.ListenWhy = name + " is " + s.Value
	}
	if s.From != "" {
		r.ListenWhy += " (" + s.From + ")"
	}
	return 0
}
