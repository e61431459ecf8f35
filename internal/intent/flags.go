package intent

import (
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// flags are those that erl is given, in its own order: ERL_AFLAGS, the start script's,
// which are ELIXIR_ERL_OPTIONS and vm.args, ERL_FLAGS and ERL_ZFLAGS.
func (b *builder) flags(e environment) (words []string, unclear string) {
	add := func(text string) {
		for w := range strings.FieldsSeq(text) {
			words = append(words, strings.Trim(w, `"'`))
		}
	}
	for _, name := range []string{beam.EnvErlAFlags, beam.EnvElixirErlOptions, "", beam.EnvErlFlags, beam.EnvErlZFlags} {
		if name == "" {
			add(b.app.VMArgs)
			continue
		}
		switch v, set := e.get(name); {
		case set && !v.Known() && e.vars[name].Why != "":
			unclear = name + ": " + v.Why
		case set && v.Known():
			add(v.Value)
		}
	}
	if v, set := e.vars[beam.EnvErlEPMDPort]; set && !v.Known() {
		unclear = beam.EnvErlEPMDPort + ": " + v.Why
	}
	return words, unclear
}

// distribution reads what decides how the node listens, and where EPMD is asked.
func distribution(words []string, e environment, r *mesh.Replica) {
	r.EPMD = beam.EPMDPort
	if v, set := e.vars[beam.EnvErlEPMDPort]; set && v.Known() {
		if n, err := strconv.ParseUint(v.Value, 10, 16); err == nil && n > 0 {
			r.EPMD = uint16(n)
		}
	}
	kernel := func(i int, name string) (string, bool) {
		if words[i] != name || i+1 >= len(words) {
			return "", false
		}
		return words[i+1], true
	}
	port := func(text string) uint16 {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return 0
		}
		return uint16(n)
	}
	for i := range words {
		if v, ok := kernel(i, beam.KernelListenMin); ok && r.ListenMin == 0 { // the first counts
			r.ListenMin = port(v)
		}
		if v, ok := kernel(i, beam.KernelListenMax); ok && r.ListenMax == 0 {
			r.ListenMax = port(v)
		}
		if v, ok := kernel(i, "-"+beam.FlagProtoDist); ok && r.Proto == "" {
			r.Proto = v
		}
		if v, ok := kernel(i, "-"+beam.FlagStartEPMD); ok && v == "false" {
			for j := range words {
				if p, ok := kernel(j, "-"+beam.FlagERLEPMDPort); ok {
					r.EPMD, r.ListenMin, r.ListenMax = 0, port(p), port(p)
				}
			}
		}
		if v, ok := kernel(i, "-"+beam.FlagConnectAll); ok && v == "false" {
			r.ConnectAll = mesh.No
		}
		if words[i] == "-"+beam.FlagHidden {
			r.Hidden = true
		}
	}
	if r.ListenMax < r.ListenMin {
		r.ListenMax = r.ListenMin
	}
}
