package sbom

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/project"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// golden compares with testdata/NAME.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// shop is a release such as a Phoenix application's umbrella gives.
func shop(t *testing.T) Input {
	t.Helper()
	app := func(name, vsn, needs, more string) tree.File {
		return tree.Text("app/lib/"+name+"-"+vsn+"/ebin/"+name+".app",
			"{application,'"+name+"',[{vsn,\""+vsn+"\"},{description,\""+name+"\"},{applications,["+needs+"]}"+more+"]}.\n", tree.ModePlain)
	}
	lock, err := os.ReadFile("testdata/mix.lock")
	if err != nil {
		t.Fatal(err)
	}
	elf := "\x7fELF and so on"
	return Input{
		Name: "shop", Version: "1.4.2", Repository: "registry.example.com/team/shop", Digest: "sha256:" + strings.Repeat("ab", 32),
		Revision: "0123456789abcdef0123456789abcdef01234567", Source: "https://ci:hunter2@git.example.com/team/shop.git",
		Root: "app", Tool: "0.3.0", Created: time.Unix(1700000000, 0), Locked: true, Lock: project.ReadLock(string(lock)),
		Base: "registry.example.com/base/debian:bookworm@sha256:" + strings.Repeat("cd", 32),
		System: []SystemPackage{
			{Name: "libstdc++6", Version: "12.2.0-14+deb12u1", Arch: "amd64", Suite: "bookworm", SHA256: strings.Repeat("12", 32), Source: "gcc-12"},
			{Name: "libssl3", Version: "3.0.17-1~deb12u2", Arch: "amd64", Suite: "bookworm", SHA256: strings.Repeat("34", 32), Source: "openssl"},
			{Name: "tzdata", Version: "1:2025b-0+deb12u1", Arch: "all", Suite: "bookworm"},
		},
		Release: tree.Sort(tree.Tree{
			tree.Text("app/releases/start_erl.data", "14.2.5 1.4.2", tree.ModePlain),
			tree.Text("app/releases/26/OTP_VERSION", "26.2.5**\n", tree.ModePlain),
			tree.Text("app/erts-14.2.5/bin/beam.smp", elf, tree.ModeExecutable),
			tree.Text("app/erts-14.2.5/bin/erlexec", elf, tree.ModeExecutable),
			app("kernel", "9.2.4", "", ""), app("stdlib", "5.2.3", "kernel", ""), app("crypto", "5.4.2", "kernel,stdlib", ""),
			tree.Text("app/lib/crypto-5.4.2/priv/lib/crypto.so", elf, tree.ModePlain),
			app("elixir", "1.18.0-rc.0", "kernel,stdlib", ""), app("logger", "1.18.0-rc.0", "kernel,stdlib,elixir", ""),
			app("telemetry", "1.2.1", "kernel,stdlib", ""), app("plug", "1.15.3", "kernel,stdlib,elixir,telemetry,mime", ",{optional_applications,[mime]}"),
			app("argon2_elixir", "4.0.0", "kernel,stdlib,elixir", ""),
			tree.Text("app/lib/argon2_elixir-4.0.0/priv/argon2_nif.so", elf, tree.ModePlain),
			tree.Symlink("app/lib/argon2_elixir-4.0.0/priv/also.so", "argon2_nif.so"),
			tree.Text("app/lib/argon2_elixir-4.0.0/priv/ld.so.txt", "no", tree.ModePlain),
			app("secret_sauce", "0.1.0", "kernel,stdlib", ""), app("oban_pro", "1.4.0", "kernel,stdlib", ""),
			app("newer", "1.0.0", "kernel,stdlib", ""),
			app("swoosh", "1.17.0", "kernel,stdlib,elixir", ""), app("part", "0.1.0", "kernel,stdlib", ""), app("thing", "0.2.0", "kernel,stdlib", ""),
			app("local", "0.3.0", "kernel,stdlib", ""),
			app("shop", "1.4.2", "kernel,stdlib,elixir,logger,crypto,argon2_elixir,secret_sauce,oban_pro,newer", ",{included_applications,[thing]}"),
			app("shop_web", "1.4.2", "kernel,stdlib,elixir,shop,plug,swoosh,part,local", ""),
			tree.Text("app/lib/shop_web-1.4.2/priv/static/app.js", "", tree.ModePlain),
			tree.Text("app/lib/shop_web-1.4.2/priv/run.sh", "#!/bin/sh", tree.ModeExecutable),
			tree.Dir("app/lib/odd-dir"), tree.Text("app/lib/bare-2.0/priv/x", "", tree.ModePlain),
		}),
	}
}

func document(t *testing.T, in Input) (*Document, *cyclonedx.BOM) {
	t.Helper()
	d, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.JSON)
	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(d.JSON), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	if bom.Components == nil { // as an empty list is written
		bom.Components = &[]cyclonedx.Component{}
	}
	whole(t, bom)
	return d, bom
}

// whole checks that references are unique, lead somewhere, and that everything is reached from the image.
func whole(t *testing.T, bom *cyclonedx.BOM) {
	t.Helper()
	needs := map[string][]string{}
	for _, d := range *bom.Dependencies {
		if _, twice := needs[d.Ref]; twice {
			t.Errorf("%s twice", d.Ref)
		}
		needs[d.Ref] = nil
		if d.Dependencies != nil {
			needs[d.Ref] = *d.Dependencies
		}
	}
	reached := map[string]bool{}
	var walk func(ref string)
	walk = func(ref string) {
		if _, ok := needs[ref]; !ok {
			t.Errorf("%s is needed and not there", ref)
		}
		if !reached[ref] {
			reached[ref] = true
			for _, n := range needs[ref] {
				walk(n)
			}
		}
	}
	walk(bom.Metadata.Component.BOMRef)
	for _, c := range *bom.Components {
		if !reached[c.BOMRef] {
			t.Errorf("%s is not reached from the image", c.BOMRef)
		}
	}
	if len(needs) != len(*bom.Components)+1 {
		t.Errorf("%d entries in the graph for %d components", len(needs), len(*bom.Components))
	}
}

func TestShop(t *testing.T) {
	d, bom := document(t, shop(t))
	golden(t, "shop.cdx.json", d.JSON)
	if d.Components != len(*bom.Components) || d.Serial != bom.SerialNumber {
		t.Errorf("%d components, serial %s; the document has %d, %s", d.Components, d.Serial, len(*bom.Components), bom.SerialNumber)
	}
	if strings.Contains(string(d.JSON), "hunter2") {
		t.Error("a password of a URL got into the document")
	}
}

// The same input gives the same bytes, in whatever order lists come; another gives another serial number.
func TestSame(t *testing.T) {
	in := shop(t)
	first, _ := document(t, in)
	slices.Reverse(in.System)
	slices.Reverse(in.Lock)
	for range 5 {
		if again, _ := document(t, in); !bytes.Equal(first.JSON, again.JSON) {
			t.Fatal(cmp.Diff(string(first.JSON), string(again.JSON)))
		}
	}
	in.Version = "1.4.3"
	if other, _ := document(t, in); other.Serial == first.Serial {
		t.Error("another version has the same serial number")
	}
}

// Without a lock nothing is said of where applications come from, and with little else there is a document all the same.
func TestLittleKnown(t *testing.T) {
	in := shop(t)
	_, bom := document(t, Input{Name: "shop", Root: "app", Release: in.Release})
	for _, c := range *bom.Components {
		if strings.HasPrefix(c.PackageURL, "pkg:hex/") || c.Name == "shop" && c.PackageURL != "" {
			t.Errorf("%s is said to be %s, and nobody knows", c.Name, c.PackageURL)
		}
	}
	_, bom = document(t, Input{Name: "shop"})
	if len(*bom.Components) != 0 {
		t.Errorf("%d components of nothing", len(*bom.Components))
	}
}

func TestErrors(t *testing.T) {
	for want, in := range map[string]Input{
		"the base image debian:bookworm has no digest: name it as REFERENCE@sha256:…": {Name: "a", Base: "debian:bookworm"},
		"app/lib/a-1/ebin/a.app is no application file (it ends before its term does): build the release anew": {
			Name: "a", Root: "app", Release: tree.Tree{tree.Text("app/lib/a-1/ebin/a.app", "{application,", tree.ModePlain)}},
	} {
		if _, err := New(in); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A real release, with what its machine decides taken out: versions and which packages OTP is split into.
func TestTally(t *testing.T) {
	files, err := tree.Read(beamtest.BuildRelease(t, "../../../examples/tally"), "app")
	if err != nil {
		t.Fatal(err)
	}
	d, bom := document(t, Input{Name: "tally", Version: "1.0.0", Root: "app", Release: files, Locked: true, OTPVersion: "25.0"})
	var names []string
	for _, c := range *bom.Components {
		names = append(names, c.Name)
		if c.Version == "" || c.PackageURL == "" && c.Name != "tally" {
			t.Errorf("%s has no version or no package URL: %+v", c.Name, c)
		}
	}
	for _, want := range []string{"erts", "erlang", "kernel", "stdlib", "elixir", "tally"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %v", want, names)
		}
	}
	text := string(d.JSON)
	for _, c := range *bom.Components {
		if c.Name != "tally" && c.Name != "erlang" {
			text = strings.ReplaceAll(text, c.Name+"@"+c.Version, c.Name+"@VSN")
			text = strings.ReplaceAll(text, c.Name+"-"+c.Version, c.Name+"-VSN")
			text = strings.ReplaceAll(text, `"name": "`+c.Name+"\",\n      \"version\": \""+c.Version, `"name": "`+c.Name+"\",\n      \"version\": \"VSN")
		}
	}
	text = regexp.MustCompile(`urn:uuid:[0-9a-f-]+`).ReplaceAllString(text, "urn:uuid:SERIAL")
	text = regexp.MustCompile(`"cpe:2.3:a:elixir-lang:elixir:[^:]+`).ReplaceAllString(text, "\"cpe:2.3:a:elixir-lang:elixir:VSN")
	text = regexp.MustCompile(`("phial:otp-release",\s*"value": )"\d+"`).ReplaceAllString(text, `$1"N"`)
	golden(t, "tally.cdx.json", []byte(text))
}
