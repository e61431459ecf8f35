package apps

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/beamtest"
)

func TestTables(t *testing.T) {
	if !slices.IsSorted(otp) || !slices.IsSorted(elixir) {
		t.Error("the tables are looked up by halving: keep them sorted")
	}
	for name, want := range map[string][2]bool{
		"kernel": {true, false}, "erts": {true, false}, "xmerl": {true, false}, "asn1": {true, false},
		"elixir": {false, true}, "logger": {false, true}, "mix": {false, true},
		"phoenix": {}, "": {}, "kern": {}, "kernels": {},
	} {
		if got := [2]bool{OTP(name), Elixir(name)}; got != want {
			t.Errorf("%q is OTP's, Elixir's: %v, want %v", name, got, want)
		}
	}
}

// beside are what the tests' own OTPs have besides OTP, in the same place.
var beside = map[string]bool{"cowboy": true, "cowlib": true, "ranch": true}

// Every application that comes with a real OTP or Elixir is in the tables, and what its
// .app file says is what its directory is called.
func TestTablesAgainstRealOTPs(t *testing.T) {
	for _, o := range beamtest.OTPs(t) {
		for dir, own := range map[string]func(string) bool{"usr/lib/erlang/lib": OTP, "usr/lib/elixir/lib": Elixir} {
			entries, err := os.ReadDir(filepath.Join(o.Root, "/", dir))
			if err != nil || len(entries) == 0 {
				t.Fatalf("%s: nothing in %s: %v", o, dir, err)
			}
			for _, e := range entries {
				name, vsn, ok := Split(e.Name())
				if !ok {
					name = e.Name() // Elixir's own have no version there
				}
				if beside[name] {
					continue
				}
				if !own(name) {
					t.Errorf("%s: %s of %s is not in the table", o, name, dir)
				}
				text, err := os.ReadFile(filepath.Join(o.Root, "/", dir, e.Name(), "ebin", name+".app"))
				if os.IsNotExist(err) {
					continue // without code of its own
				}
				if err != nil {
					t.Error(err)
					continue
				}
				a, err := Read(text)
				if err != nil || a.Name != name || vsn != "" && a.Version != vsn || a.Version == "" {
					t.Errorf("%s: %s says %+v, %v", o, e.Name(), a, err)
				}
				if needs := map[string]string{"ssl": "public_key", "iex": "elixir"}[name]; needs != "" && !slices.Contains(a.Applications, needs) {
					t.Errorf("%s: %s needs %q, want %s among them", o, name, a.Applications, needs)
				}
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for dir, want := range map[string]string{
		"kernel-8.5.3":           "kernel 8.5.3",
		"asn1-5.0.21":            "asn1 5.0.21",
		"shop_web-1.0.0-rc.1":    "shop_web 1.0.0-rc.1",
		"p1_utils-1.0.25":        "p1_utils 1.0.25",
		"shop-0.1.0+abc-1":       "shop 0.1.0+abc-1",
		"h2-2":                   "h2 2",
		"my-app-1.2.3":           "my-app 1.2.3",
		"shop":                   "",
		"shop-":                  "",
		"shop-v1":                "",
		"-1.0":                   "",
		"":                       "",
		"lib/kernel-8.5.3":       "",
		"kernel-8.5.3/ebin":      "",
		"kernel-8.5.3/priv-1/sh": "",
	} {
		name, vsn, ok := Split(dir)
		if got := strings.TrimSpace(name + " " + vsn); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", dir, got, ok, want)
		}
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want App
		err  string
	}{
		"Elixir's": {`{application,shop,
             [{modules,['Elixir.Shop','Elixir.Shop.Application']},
              {compile_env,[{shop,['Elixir.Shop.Endpoint',key],{ok,[{a,<<"b"/utf8>>}]}}]},
              {optional_applications,[telemetry]},
              {applications,[kernel,stdlib,elixir,logger,telemetry]},
              {description,"A \"shop\"" " of ours"},
              {registered,[]},
              {vsn,"1.4.2-rc.1+abc"},
              {mod,{'Elixir.Shop.Application',[]}}]}.
`, App{Name: "shop", Version: "1.4.2-rc.1+abc", Description: `A "shop" of ours`, Optional: []string{"telemetry"},
			Applications: []string{"kernel", "stdlib", "elixir", "logger", "telemetry"},
			Modules:      []string{"Elixir.Shop", "Elixir.Shop.Application"}}, ""},
		"Erlang's": {"%% -*- coding: utf-8 -*-\n%% {no} \"term\"\n{'application' , 'Odd.Name' ,[\n" +
			"  {vsn, \"2\"}, % yes\n {id, []}, {maxT, infinity}, {maxP, -1},\n" +
			"  {env, [{a, #{b => 1.5e3, c => $\\n}}, {d, fun lists:map/2}, {e, 16#ff}, {f, <<1,2:4>>}, {g, [a|b]}, {h, $]}]},\n" +
			"  {included_applications, [x, 'y z']}, {runtime_dependencies, [\"erts-13.0\"]}]}.",
			App{Name: "Odd.Name", Version: "2", Included: []string{"x", "y z"}}, ""},
		"computed vsn": {"{application, a, [{vsn, git}, {applications, all}, vsn, {mod}]}.", App{Name: "a"}, ""},
		"not whole":    {"{application, a, [{vsn, \"1\"}", App{}, "it ends before its term does"},
		"another term": {"{release, {\"a\", \"1\"}, []}.", App{}, "it does not say {application, NAME, [...]}"},
		"no term":      {"\n\n}", App{}, `there is a '}' where a term should begin, on line 3`},
		"empty":        {"", App{}, "it ends before its term does"},
		"deep":         {strings.Repeat("[", 100000), App{}, "terms stand more than 64 deep in one another, on line 1"},
		"not a text":   {"{application, a, [{vsn, \"1", App{}, "it ends before its term does"},
		"binary":       {"\x00\x01\x02", App{}, `it ends before its term does`}, // control characters are white space
	} {
		got, err := Read([]byte(c.text))
		said := ""
		if err != nil {
			said = err.Error()
		}
		if d := cmp.Diff(c.want, got); d != "" || said != c.err {
			t.Errorf("%s: error %q, want %q (-want +got):\n%s", name, said, c.err, d)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"{application,a,[{vsn,\"1\"},{applications,[kernel,'b c']},{env,[{a,#{b=>$c}}]}]}.", "%x\n{'a\\", "{application,a,[<<\"x\"/utf8>>|b]}", "\"a\" \"b\" $",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Read(text)
		if err != nil && a.Name != "" {
			t.Errorf("%q: both %+v and %v", text, a, err)
		}
		for _, s := range append(append([]string{a.Name, a.Version, a.Description}, a.Applications...), a.Included...) {
			if len(s) > len(text) {
				t.Errorf("%q gives %q", text, s)
			}
		}
	})
}
