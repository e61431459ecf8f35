package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestRun takes one short turn at each term: both sides agree on all of them and every line is there.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real BEAM, and -short was asked for")
	}
	if _, err := exec.LookPath("erl"); err != nil {
		t.Fatalf("this test asks a real BEAM: %v", err)
	}
	var out bytes.Buffer
	got, err := run(t.Context(), &out, []string{"erl"}, 1, 100*time.Microsecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.allocs != 0 || got.encode.n != len(cases()) || len(got.decode) != 2 {
		t.Errorf("figures %+v", got)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(cases())+2 || !strings.Contains(lines[len(lines)-1], "geometric mean") {
		t.Errorf("%d lines for %d terms:\n%s", len(lines), len(cases()), out.String())
	}
	for i, c := range cases() {
		if fields := strings.Fields(lines[i+1]); !strings.Contains(lines[i+1], c.name) || fields[len(fields)-1] != "0" {
			t.Errorf("want %s, encoded without allocation: %s", c.name, lines[i+1])
		}
	}
}

// A figure that is missed is named, whichever it is; one turn of a busy machine proves nothing about speed.
func TestJudge(t *testing.T) {
	ratio := func(v float64) (m mean) { m.add(v); return m }
	good := func() figures {
		return figures{decode: map[string]mean{"decode": ratio(1), "decode, kept": ratio(2)}, encode: ratio(0.6)}
	}
	if err := good().judge(); err != nil {
		t.Errorf("all reached, and it says: %v", err)
	}
	for want, spoil := range map[string]func(*figures){
		"decode, kept: 0.90": func(f *figures) { f.decode["decode, kept"] = ratio(0.9) },
		"encode: 0.50":       func(f *figures) { f.encode = ratio(0.5) },
		"1 allocations":      func(f *figures) { f.allocs = 1 },
	} {
		f := good()
		spoil(&f)
		if err := f.judge(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
