package intent

import (
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// meets reads what keeps a node from others that it would find: where it listens, who answers
// for it in EPMD's place, its certificate, and what of the mesh it wants.
func (b *builder) meets(all []word, flags beam.Flags, e environment, r *mesh.Replica) {
	at := func(flag string) string {
		if i := slices.IndexFunc(all, func(w word) bool { return w.text == "-"+flag }); i >= 0 {
			return all[i].from
		}
		return ""
	}
	more := b.more(e)
	if flags.EPMDModule {
		module, _ := flagValue(all, "-"+beam.FlagEPMDModule)
		r.OtherEPMD = mesh.Flaw{Why: "the module " + module.text + " answers in EPMD's place (-epmd_module), and may give any port", At: module.from}
	}
	if startsNoEPMD(all) && (flags.ERLEPMDPort.Given || flags.NoListen) {
		r.EPMD = 0
	}
	if r.Hidden = flags.Hidden || flags.NoListen; flags.Hidden {
		r.HiddenAt = at(beam.FlagHidden)
	}
	switch {
	case flags.NoListen:
		r.HiddenAt = at(beam.FlagDistListen)
		r.Deaf = mesh.Flaw{Why: "does not listen (-dist_listen false), which makes it a hidden node", At: r.HiddenAt}
	default:
		if r.Deaf = b.loopback(all, e); r.Deaf.Why != "" && !r.Deaf.Unsure && more != "" {
			r.Deaf.Why, r.Deaf.Unsure = r.Deaf.Why+", unless another flag says otherwise: "+more, true
		}
	}
	switch s, set := b.setting(all, beam.KernelConnectAll, e); {
	case flags.NoConnectAll:
		r.ConnectAll, r.ConnectAt = mesh.No, at(beam.FlagConnectAll)
	case set && s.Value == "false":
		r.ConnectAll, r.ConnectAt = mesh.No, s.From
	}
	if tls := r.Proto == beam.ProtoTLS || r.Proto == beam.ProtoTLS6; tls && !slices.ContainsFunc(all, certifies) {
		r.NoTLS = mesh.Flaw{Why: "speaks TLS (-proto_dist " + r.Proto + ") and has no certificate: neither -" + beam.FlagTLSDistOptions + " nor -ssl_dist_opt names one", At: at(beam.FlagProtoDist)}
		if more != "" {
			r.NoTLS.Why, r.NoTLS.Unsure = r.NoTLS.Why+"; "+more, true
		}
	}
}

// more says which flags there may be besides those that are known; empty: none.
func (b *builder) more(e environment) string {
	switch {
	case !b.app.Known:
		return "vm.args is not at hand"
	case e.rest != "":
		return "flags may be set by " + e.rest
	}
	return ""
}

// certifies says whether a word may name a certificate: the file of TLS' options, or an option.
func certifies(w word) bool {
	return w.text == "-"+beam.FlagTLSDistOptions || strings.HasPrefix(w.text, "server_cert")
}

// startsNoEPMD says whether erl is told to leave EPMD to others: of several mentions the last counts.
func startsNoEPMD(all []word) (no bool) {
	for i, w := range all {
		if w.text == "-"+beam.FlagStartEPMD && i+1 < len(all) {
			no = all[i+1].text == "false"
		}
	}
	return no
}

// setting is one of kernel's, by a flag or else by the configuration. It is set where it is known.
func (b *builder) setting(all []word, name string, e environment) (mesh.Setting, bool) {
	for i, w := range all {
		if w.text == name && i+1 < len(all) && kernels(all[:i]) {
			return mesh.Setting{Value: all[i+1].text, From: w.from}, true
		}
	}
	o, ok := b.app.Kernel[name]
	if !ok {
		return mesh.Setting{}, false
	}
	s := o(e.get)
	return s, s.Known() && s.Value != ""
}

// kernels says whether the last flag of these is -kernel, so that what follows is a setting of it.
func kernels(before []word) bool {
	i := len(before) - 1
	for i >= 0 && (before[i].text == "" || before[i].text[0] != '-') {
		i--
	}
	return i >= 0 && before[i].text == "-"+beam.Kernel
}

// loopback says whether the distribution listens on loopback alone.
func (b *builder) loopback(all []word, e environment) mesh.Flaw {
	s, set := b.setting(all, beam.KernelUseInterface, e)
	switch {
	case !s.Known():
		return mesh.Flaw{Why: beam.KernelUseInterface + ": " + s.Why, At: s.From, Unsure: true}
	case !set || !strings.HasPrefix(s.Value, "{127,") && s.Value != beam.LoopbackInterfaceIPv6:
		return mesh.Flaw{}
	}
	return mesh.Flaw{Why: "listens on loopback alone (" + beam.KernelUseInterface + "), where no peer reaches it", At: s.From}
}

// epmd says what comes of a node that is to find EPMD, and starts none: it does not boot
// where nothing else does, and where that is not known, that is not known either.
func (b *builder) epmd(w Runs, e environment, all []word) (none, perhaps mesh.Flaw) {
	if !startsNoEPMD(all) {
		return none, perhaps
	}
	var texts []string
	at := ""
	for _, t := range all {
		texts = append(texts, t.text)
		if t.text == "-"+beam.FlagStartEPMD {
			at = t.from
		}
	}
	flags := beam.ReadFlags(texts)
	if flags.ERLEPMDPort.Given || flags.NoListen || flags.EPMDModule {
		return none, perhaps
	}
	by, sure := b.startsEPMD(w)
	switch more := b.more(e); {
	case sure:
		return none, perhaps
	case by == "" && more != "":
		return none, mesh.Flaw{Why: "-start_epmd false starts no EPMD, and " + more, At: at}
	case by != "":
		return none, mesh.Flaw{Why: "-start_epmd false leaves EPMD to others, and " + by, At: at}
	}
	return mesh.Flaw{Why: "-start_epmd false, and nothing else starts EPMD, so the node can't register: it does not boot (register/listen error: econnrefused)", At: at}, perhaps
}

// startsEPMD says who else may start EPMD in a pod; sure: a container does nothing else.
func (b *builder) startsEPMD(w Runs) (by string, sure bool) {
	for c := range w.Containers() {
		words := c.Words()
		if len(words) > 0 && path.Base(words[0].String()) == "epmd" && !c.Init {
			return "", true
		}
		text := c.Called + " " + c.Key("image").String()
		for _, word := range words {
			text += " " + word.String()
		}
		for word := range c.At("lifecycle.postStart.exec.command").Items() {
			text += " " + word.String()
		}
		if namesEPMD(text) {
			by = "the container " + c.Called + " may start it"
		}
	}
	switch {
	case by != "":
	case w.Pod.Key("hostNetwork").True():
		by = "the machine's may answer"
	case !b.app.Known:
		by = "the image may start it"
	case namesEPMD(string(b.app.EnvSh.Text)):
		by = "rel/env.sh may start it"
	case namesEPMD(b.scripts):
		by = "what starts the release may start it"
	default:
		by = b.app.EPMD
	}
	return by, false
}

// namesEPMD says whether a text names the program, beside flags that have it in their names.
func namesEPMD(text string) bool {
	return strings.Contains(strings.NewReplacer(beam.FlagStartEPMD, "", beam.FlagERLEPMDPort, "", beam.FlagEPMDModule, "").Replace(text), "epmd")
}
