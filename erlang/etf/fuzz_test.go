package etf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phialdev/phial/erlang/etf"
)

// seedFile holds what a BEAM wrote, a term on a line in base 16, for fuzzing to start from.
const seedFile = "testdata/seeds.txt"

var updateSeeds = flag.Bool("update", false, "write "+seedFile+" anew, with what the machine's BEAM writes")

func TestUpdateSeeds(t *testing.T) {
	if !*updateSeeds {
		t.Skip("only with -update")
	}
	const most = 300 // bytes: fuzzing does better with small inputs
	var out bytes.Buffer
	beam := ask(t, erls(t)["host"])
	for _, expr := range portable() {
		if err := beam.Eval(expr); err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		for _, opts := range []string{"[{minor_version, 0}]", "[{minor_version, 2}]", "[compressed]"} {
			b, err := beam.Encode(opts)
			if err != nil {
				t.Fatalf("%s: %v", expr, err)
			}
			if line := fmt.Sprintf("%x\n", b); len(b) <= most && !strings.Contains(out.String(), line) {
				out.WriteString(line)
			}
		}
	}
	if err := os.WriteFile(seedFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func seeds(f *testing.F) {
	f.Helper()
	text, err := os.ReadFile(seedFile)
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			f.Fatal(err)
		}
		if _, err := etf.Decode(b); err != nil {
			f.Fatalf("%x: %v", b, err)
		}
		f.Add(b)
	}
}

// FuzzDecode decodes anything: no panic, no more nodes than bytes, a typed error with an offset inside
// the input; and what is accepted can be asked for everything, and encodes to an equal term.
func FuzzDecode(f *testing.F) {
	seeds(f)
	atoms := []etf.Atom{"zero", "one", "été"}
	reused := etf.Decoder{Reuse: true, Atoms: atoms, MaxSize: 1 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		fresh := etf.Decoder{Atoms: atoms, MaxSize: 1 << 20, MaxTerms: max(len(b), 1)}
		if len(b) > 1 && b[1] == 80 {
			fresh.MaxTerms = 1 << 20
		}
		term, rest, err := fresh.Decode(b)
		other, otherRest, otherErr := reused.Decode(b)
		if (err == nil) != (otherErr == nil) {
			t.Fatalf("a fresh decoder says %v, a reused one %v", err, otherErr)
		}
		if err != nil {
			var de *etf.DecodeError
			if !errors.As(err, &de) || de.Offset < 0 || de.Offset > len(b) && !de.Compressed || de.Err == nil {
				t.Fatalf("not a proper error: %#v", err)
			}
			if errors.Is(err, etf.ErrTerms) {
				t.Fatalf("more terms than bytes: %v", err)
			}
			return
		}
		if !term.Equal(other) || len(rest) != len(otherRest) {
			t.Fatalf("a fresh decoder reads %v, a reused one %v", term, other)
		}
		again := term.Append(etf.AppendVersion(nil))
		second, err := etf.Decode(again)
		if err != nil || !second.Equal(term) || !term.Equal(second) {
			t.Fatalf("%v came back from %x as %v (%v)", term, again, second, err)
		}
		if third := second.Append(etf.AppendVersion(nil)); !bytes.Equal(third, again) {
			t.Fatalf("%v is first written as %x, then as %x", term, again, third)
		}
		built, err := etf.Marshal(term.Value())
		if err != nil {
			t.Fatalf("%v: %v", term, err)
		}
		if fourth, err := etf.Decode(built); err != nil || !fourth.Equal(term) {
			t.Fatalf("the value of %v comes back as %v (%v)", term, fourth, err)
		}
		if s := term.String(); s == "" || len(s) > 4200 {
			t.Fatalf("%d bytes of text", len(s))
		}
	})
}

// FuzzRoundTrip lets the fuzzer draw Go values and takes them through bytes and back.
func FuzzRoundTrip(f *testing.F) {
	seeds(f)
	f.Fuzz(rapid.MakeFuzz(roundTrip))
}
