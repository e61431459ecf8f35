package beam

import (
	"slices"
	"strconv"
	"strings"
)

// Flags is what erl's flags say of how a node listens, is found and meets others. Emulator
// flags, such as +Q, are not among them.
type Flags struct {
	// ListenMin and ListenMax bound the distribution's port, as they are written. Of two
	// settings the first counts, as for erl; a value that can't be read is passed over.
	ListenMin, ListenMax FlagPort
	// Protos are the values of -proto_dist, each mention's in turn: OTP 25 falls back to
	// inet_tcp where there are several mentions.
	Protos []string
	// NoEPMD is -start_epmd false.
	NoEPMD bool
	// ERLEPMDPort is -erl_epmd_port, the port of every node where there is no EPMD: the last
	// mention's, 0 where that can't be read.
	ERLEPMDPort FlagPort
	// EPMDModule is -epmd_module: a module of the team's own answers in EPMD's place.
	EPMDModule bool
	// NoConnectAll is -connect_all false.
	NoConnectAll bool
	Hidden       bool
	// NoListen is -dist_listen false: the node dials and does not listen.
	NoListen bool
}

// FlagPort is a port among flags.
type FlagPort struct {
	Number uint16
	Given  bool
}

// ReadFlags reads flags that are split into words, without the quotes around them, in the
// order in which erl gets them.
func ReadFlags(words []string) Flags {
	var f Flags
	for i, w := range words {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		no := value == "false"
		switch w {
		case KernelListenMin:
			f.ListenMin.first(value)
		case KernelListenMax:
			f.ListenMax.first(value)
		case "-" + FlagProtoDist:
			f.Protos = append(f.Protos, values(words[i+1:])...)
		case "-" + FlagStartEPMD:
			f.NoEPMD = f.NoEPMD || no
		case "-" + FlagERLEPMDPort:
			n, _ := strconv.ParseUint(value, 10, 16)
			f.ERLEPMDPort = FlagPort{uint16(n), true}
		case "-" + FlagEPMDModule:
			f.EPMDModule = true
		case "-" + FlagConnectAll:
			f.NoConnectAll = f.NoConnectAll || no
		case "-" + FlagHidden:
			f.Hidden = true
		case "-" + FlagDistListen:
			f.NoListen = f.NoListen || no
		}
	}
	return f
}

// values are those of a flag: what stands behind it up to the next one.
func values(words []string) []string {
	if end := slices.IndexFunc(words, func(w string) bool { return w == "" || w[0] == '-' || w[0] == '+' }); end >= 0 {
		return words[:end]
	}
	return words
}

// first takes a value, if it is the first that can be read.
func (p *FlagPort) first(value string) {
	if n, err := strconv.ParseUint(value, 10, 16); err == nil && !p.Given {
		*p = FlagPort{uint16(n), true}
	}
}

// Proto is the protocol that the first mention of -proto_dist names; empty where none does.
func (f Flags) Proto() string {
	if len(f.Protos) == 0 {
		return ""
	}
	return f.Protos[0]
}

// IPv6 says whether any mention of -proto_dist is of IPv6.
func (f Flags) IPv6() bool {
	return slices.ContainsFunc(f.Protos, func(p string) bool { return strings.HasPrefix(p, "inet6_") })
}

// Range is from where to where the distribution's port may be, and ok where the flags say
// it. Last is never below first.
func (f Flags) Range() (first, last uint16, ok bool) {
	if !f.ListenMin.Given {
		return 0, 0, false
	}
	return f.ListenMin.Number, max(f.ListenMin.Number, f.ListenMax.Number), true
}
