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
	f := beam.ReadFlags(words)
	r.ListenMin, r.ListenMax = f.ListenMin.Number, max(f.ListenMin.Number, f.ListenMax.Number)
	if f.NoEPMD && f.ERLEPMDPort.Given {
		r.EPMD, r.ListenMin, r.ListenMax = 0, f.ERLEPMDPort.Number, f.ERLEPMDPort.Number
	}
	r.Proto, r.Hidden = f.Proto(), f.Hidden
	if f.NoConnectAll {
		r.ConnectAll = mesh.No
	}
}
