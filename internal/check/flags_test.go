package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/beam"
)

// Flags stand in variables as they are, and in commands as a shell is to read them.
func TestReadFlags(t *testing.T) {
	listens := beam.Flags{ListenMin: beam.FlagPort{Number: 9100, Given: true}, ListenMax: beam.FlagPort{Number: 9107, Given: true}}
	quiet := beam.Flags{NoEPMD: true, ERLEPMDPort: beam.FlagPort{Number: 9100, Given: true}}
	for _, c := range []struct {
		text string
		want beam.Flags
	}{
		{"-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107", listens},
		{"-kernel inet_dist_listen_min 9100\n  inet_dist_listen_max 9107\n", listens},
		{`sh -c ERL_AFLAGS="-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107" exec bin/shop start`, listens},
		{`sh -c export ERL_AFLAGS='-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107'; bin/shop start`, listens},
		{`elixir --erl '-kernel "inet_dist_listen_min" 9100 inet_dist_listen_max "9107"' -S mix run`, listens},
		{"-kernel inet_dist_listen_min $(PORT) inet_dist_listen_max $(PORT)", beam.Flags{}},
		{"-start_epmd false -erl_epmd_port 9100", quiet},
		{`sh -c ERL_FLAGS='-start_epmd false -erl_epmd_port 9100' bin/shop start`, quiet},
		{"sh -c ERL_FLAGS=-hidden bin/shop start", beam.Flags{Hidden: true}},
		{`iex --erl="-connect_all false" -S mix`, beam.Flags{NoConnectAll: true}},
		{"sh -c bin/hidden start", beam.Flags{}},
	} {
		if diff := cmp.Diff(c.want, readFlags(c.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}

// erl reads ERL_AFLAGS, then its command line, which begins with ELIXIR_ERL_OPTIONS, then ERL_FLAGS and ERL_ZFLAGS.
func TestFlagsInOrder(t *testing.T) {
	text := workload("a", "shop:1", `        command: [bin/shop, start, -c]
        env:
        - {name: ERL_ZFLAGS, value: -z}
        - {name: ERL_FLAGS, value: -f}
        - {name: ELIXIR_ERL_OPTIONS, value: -e}
        - {name: ERL_AFLAGS, value: -a}
`)
	for _, b := range filesOf(map[string]string{"a.yaml": text}).Beams() {
		if got, want := flags(b.Container), "-a -e bin/shop start -c -f -z"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	listens := func(n string) string { return "-kernel inet_dist_listen_min " + n + " inet_dist_listen_max " + n }
	text = workload("a", "shop:1", "        env:\n        - {name: ELIXIR_ERL_OPTIONS, value: "+listens("9200")+"}\n        - {name: ERL_AFLAGS, value: "+listens("9100")+"}\n")
	for _, b := range filesOf(map[string]string{"a.yaml": text}).Beams() {
		if first, last, ok := distRange(b.Container); first != 9100 || last != 9100 || !ok {
			t.Errorf("%d to %d, want the first that erl reads, 9100", first, last)
		}
	}
}
