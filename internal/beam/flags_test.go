package beam

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func port(n uint16) FlagPort { return FlagPort{Number: n, Given: true} }

func TestReadFlags(t *testing.T) {
	for _, c := range []struct {
		text string
		want Flags
	}{
		{"", Flags{}},
		{"+Q 65536 +sbwt none", Flags{}},
		{"-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107", Flags{ListenMin: port(9100), ListenMax: port(9107)}},
		{"-kernel inet_dist_listen_min 9100", Flags{ListenMin: port(9100)}},
		// The first counts, in one mention of -kernel and in several.
		{"-kernel inet_dist_listen_min 9100 inet_dist_listen_min 9200", Flags{ListenMin: port(9100)}},
		{"-kernel inet_dist_listen_max 1 -kernel inet_dist_listen_max 2", Flags{ListenMax: port(1)}},
		{"-kernel inet_dist_listen_min $(PORT) -kernel inet_dist_listen_min 9100", Flags{ListenMin: port(9100)}},
		{"-kernel inet_dist_listen_min 0 -kernel inet_dist_listen_min 9100", Flags{ListenMin: port(0)}},
		{"-kernel inet_dist_listen_min 65536 inet_dist_listen_max -1", Flags{}},
		{"-kernel inet_dist_listen_min", Flags{}},
		{"-proto_dist inet6_tcp", Flags{Protos: []string{"inet6_tcp"}}},
		{"-proto_dist inet_tls -proto_dist inet6_tls", Flags{Protos: []string{"inet_tls", "inet6_tls"}}},
		{"-proto_dist inet_tcp inet6_tcp -hidden", Flags{Protos: []string{"inet_tcp", "inet6_tcp"}, Hidden: true}},
		{"-proto_dist +sbwt none", Flags{}},
		{"-proto_dist", Flags{}},
		{"-start_epmd false -erl_epmd_port 9100", Flags{NoEPMD: true, ERLEPMDPort: port(9100)}},
		{"-erl_epmd_port 9100 -erl_epmd_port 9200", Flags{ERLEPMDPort: port(9200)}},
		{"-erl_epmd_port $(PORT)", Flags{ERLEPMDPort: port(0)}},
		{"-start_epmd true", Flags{}},
		{"-epmd_module Elixir.Shop.EPMD", Flags{EPMDModule: true}},
		{"-connect_all false", Flags{NoConnectAll: true}},
		{"-connect_all true", Flags{}},
		{"-hidden -dist_listen false", Flags{Hidden: true, NoListen: true}},
		{"hidden start_epmd false connect_all false", Flags{}},
	} {
		if diff := cmp.Diff(c.want, ReadFlags(strings.Fields(c.text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestFlagsSay(t *testing.T) {
	for _, c := range []struct {
		text        string
		first, last uint16
		ranged      bool
		proto       string
		six         bool
	}{
		{"", 0, 0, false, "", false},
		{"-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107", 9100, 9107, true, "", false},
		{"-kernel inet_dist_listen_min 9100", 9100, 9100, true, "", false},
		{"-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9000", 9100, 9100, true, "", false},
		{"-kernel inet_dist_listen_max 9107", 0, 0, false, "", false},
		{"-proto_dist inet_tcp -proto_dist inet6_tls", 0, 0, false, ProtoTCP, true},
		{"-proto_dist inet_tls", 0, 0, false, ProtoTLS, false},
	} {
		f := ReadFlags(strings.Fields(c.text))
		if first, last, ok := f.Range(); first != c.first || last != c.last || ok != c.ranged {
			t.Errorf("%s: ports %d to %d, %t; want %d to %d, %t", c.text, first, last, ok, c.first, c.last, c.ranged)
		}
		if f.Proto() != c.proto || f.IPv6() != c.six {
			t.Errorf("%s: %q, IPv6 %t; want %q, %t", c.text, f.Proto(), f.IPv6(), c.proto, c.six)
		}
	}
}

// What is behind flags changes neither the range nor the protocol that they have, and takes
// nothing back.
func FuzzReadFlags(f *testing.F) {
	f.Add("-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107", "-kernel inet_dist_listen_min 9200")
	f.Add("-start_epmd false -erl_epmd_port 9100", "-start_epmd true")
	f.Add("-proto_dist inet6_tcp", "-proto_dist inet_tcp -hidden")
	f.Add("-connect_all false -kernel inet_dist_listen_min", "-dist_listen false")
	f.Fuzz(func(t *testing.T, front, behind string) {
		// The last word of the front may want a value: a flag between keeps it from one.
		one := append(strings.Fields(front), "-noinput")
		a := ReadFlags(one)
		b := ReadFlags(slices.Concat(one, strings.Fields(behind)))
		if a.ListenMin.Given && a.ListenMin != b.ListenMin || a.ListenMax.Given && a.ListenMax != b.ListenMax {
			t.Errorf("%q: ports %v to %v, and with %q behind %v to %v", front, a.ListenMin, a.ListenMax, behind, b.ListenMin, b.ListenMax)
		}
		if len(a.Protos) > 0 && a.Proto() != b.Proto() {
			t.Errorf("%q: %s, and with %q behind %s", front, a.Proto(), behind, b.Proto())
		}
		for what, said := range map[string][2]bool{
			"start_epmd": {a.NoEPMD, b.NoEPMD}, "erl_epmd_port": {a.ERLEPMDPort.Given, b.ERLEPMDPort.Given}, "epmd_module": {a.EPMDModule, b.EPMDModule},
			"connect_all": {a.NoConnectAll, b.NoConnectAll}, "hidden": {a.Hidden, b.Hidden}, "dist_listen": {a.NoListen, b.NoListen}, "IPv6": {a.IPv6(), b.IPv6()},
		} {
			if said[0] && !said[1] {
				t.Errorf("%q says %s, and not with %q behind", front, what, behind)
			}
		}
		if first, last, ok := b.Range(); last < first || ok != b.ListenMin.Given {
			t.Errorf("%q: ports %d to %d, %t", front+" "+behind, first, last, ok)
		}
		if slices.Contains(b.Protos, "") {
			t.Errorf("%q: a protocol without a name: %q", front+" "+behind, b.Protos)
		}
	})
}
