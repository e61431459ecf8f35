package local

import (
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/host"
)

// Where a replica here differs from the pod that it stands for. The plan says
// everything else; this file is the whole of the difference, each with its reason.

// here gives the value of a variable as it has to be on this machine. Not ok: the
// variable has no place here.
func (l launch) here(name, value string) (string, bool) {
	switch name {
	case beam.EnvPort:
		// All replicas share the machine's ports, and many apps listen on all addresses.
		return strconv.Itoa(l.httpPort), true
	case beam.EnvReleaseNode:
		// A pod's loopback is its own; here 127.0.0.1 is everybody's, so a node that is
		// for its own pod alone has the replica's address.
		return l.ownHost(value), true
	case beam.EnvElixirErlOptions:
		return l.mounts.rewrite(l.flags(value)), true
	case beam.EnvErlAFlags:
		// Linux has one IPv6 loopback address, so nodes talk over IPv4.
		value = overIPv4(value)
		return l.mounts.rewrite(value), value != ""
	case beam.EnvErlEPMDAddress:
		// The engine is EPMD, and listens where its replicas are.
		return "", false
	}
	// What is mounted in a pod is a directory of the replica's own.
	return l.mounts.rewrite(value), true
}

// ownHost puts the replica's own address in the place of loopback.
func (l launch) ownHost(node string) string {
	if l.node != "" {
		return l.node // broken on purpose
	}
	base, host, _ := strings.Cut(node, "@")
	if name := (beam.Name{Base: base, Host: host}); name.Loopback() {
		return base + "@" + l.net.addr(l.n).String()
	}
	return node
}

// flags gives the VM's flags for this machine:
//
//   - the node listens on the replica's address alone, since all replicas share the
//     machine;
//   - on distribution ports of the replica's own, since that is how our EPMD tells
//     replicas of one base name apart: a node always registers at 127.0.0.1;
//   - it starts no EPMD, since the engine is one; that is also where nodes find ports
//     that the plan has fixed (-erl_epmd_port), for the same reason.
func (l launch) flags(planned string) string {
	first, last := l.net.distPorts(l.n)
	ours := map[string]string{
		beam.KernelUseInterface: l.listenOn,
		beam.KernelListenMin:    strconv.Itoa(first),
		beam.KernelListenMax:    strconv.Itoa(last),
	}
	var out []string
	for _, flag := range flagsOf(planned) {
		switch name, values := flag[0], flag[1:]; name {
		case "-" + beam.FlagERLEPMDPort, "-" + beam.FlagStartEPMD:
		case "-" + beam.Kernel:
			for i := 0; i+1 < len(values); i += 2 {
				if ours[values[i]] == "" {
					out = append(out, name, values[i], values[i+1])
				}
			}
		default:
			out = append(out, flag...)
		}
	}
	out = append(out, "-"+beam.FlagStartEPMD, "false")
	for _, param := range []string{beam.KernelUseInterface, beam.KernelListenMin, beam.KernelListenMax} {
		out = append(out, "-"+beam.Kernel, param, ours[param])
	}
	return strings.Join(out, " ")
}

// overIPv4 leaves out of a line of flags that distribution goes over IPv6.
func overIPv4(line string) string {
	var out []string
	for _, flag := range flagsOf(line) {
		if len(flag) == 2 && flag[0] == "-"+beam.FlagProtoDist {
			switch flag[1] {
			case beam.ProtoTCP6:
				continue
			case beam.ProtoTLS6:
				flag[1] = beam.ProtoTLS
			}
		}
		out = append(out, flag...)
	}
	return strings.Join(out, " ")
}

// flagsOf takes a line of flags apart: each with the values that follow it.
func flagsOf(line string) [][]string {
	var all [][]string
	for _, word := range strings.Fields(line) {
		if len(all) > 0 && !strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "+") {
			all[len(all)-1] = append(all[len(all)-1], word)
			continue
		}
		all = append(all, []string{word})
	}
	return all
}

// added is what a pod has by itself and a process has not: names that the kubelet
// sets or the machine answers to, and the ways to this engine's EPMD and DNS.
func (l launch) added() []string {
	pod := l.net.pod(l.n)
	inherited := host.InheritedEnv(l.env)
	return []string{
		"HOSTNAME=" + pod,
		"PHIAL_FQDN=" + l.fqdn(), // for the hostname in our bin directory
		"PATH=" + l.state.path("bin") + ":" + host.GetEnv(inherited, "PATH"),
		beam.EnvErlEPMDPort + "=" + strconv.Itoa(l.net.epmdPort()),
		beam.EnvErlInetrc + "=" + l.inetrcPath(),
	}
}

// lostFlags lists what the flags lose here, for whoever is told what is left out.
func lostFlags(planned string) []string {
	var out []string
	words := strings.Fields(planned)
	if slices.Contains(words, "-"+beam.FlagERLEPMDPort) {
		out = append(out, "distribution without EPMD (nodes find each other's ports through the engine's own)")
	}
	if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "inet6_") }) {
		out = append(out, "IPv6 (the nodes talk over IPv4: there is one IPv6 loopback address only)")
	}
	return out
}
