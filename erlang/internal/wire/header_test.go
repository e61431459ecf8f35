package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/erlang/etf"
)

// The example of the chapter "Distribution Header for fragmented messages": a
// message in two fragments, with two atoms that are in the cache already.
func TestDocumentedExample(t *testing.T) {
	a := Assembler{Max: 1 << 20}
	// Puts the two atoms where the example has them: 0 in segment 0 at 10, and
	// segment 4 at 5.
	take(t, &a, append([]byte{131, 68, 2, 0xc8, 0, 10, 3, 'x', '@', 'h', 5, 3, 'y', '@', 'h'}, 106), true)

	first := []byte{
		131, 69, 0, 0, 2, 168, 0, 0, 5, 83, 0, 0, 0, 0, 0, 0, 0, 2,
		5, 4 << 4, 0x98, 9, 10, 5,
	}
	// The document's flag bytes (4, 137, 9) are not what it says of them in its
	// text; these are by the text: 0, 4, 8, 9, 9.
	first = append(first, 236, 3, 'r', 'e', 'g', 9, 4, 'c', 'a', 'l', 'l', 238, 13)
	first = append(first, "set_get_state"...)
	control := []byte{104, 4, 97, 6, 103, 82, 0, 0, 0, 0, 85, 0, 0, 0, 0, 2, 82, 1, 82, 2}
	take(t, &a, append(first, control...), false)
	m := take(t, &a, []byte{131, 70, 0, 0, 2, 168, 0, 0, 5, 83, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3}, true)
	if !bytes.Equal(m.Body, append(control, 1, 2, 3)) || !m.Fragmented || !m.Owned {
		t.Errorf("got %+v", m)
	}
	want := []etf.Atom{"x@h", "y@h", "reg", "call", "set_get_state"}
	if d := cmp.Diff(want, m.Atoms); d != "" {
		t.Error(d)
	}
	if len(a.seqs) != 0 || a.pending != 0 {
		t.Errorf("left behind: %d sequences, %d bytes", len(a.seqs), a.pending)
	}
}

func take(t *testing.T, a *Assembler, p []byte, whole bool) Message {
	t.Helper()
	m, ok, err := a.Take(p)
	if err != nil || ok != whole {
		t.Fatalf("packet %v: whole %v, %v; want whole %v", p, ok, err, whole)
	}
	return m
}

func TestLongAtoms(t *testing.T) {
	a := Assembler{Max: 1 << 20}
	name := strings.Repeat("ä", 200)
	for n := 1; n <= 4; n++ {
		// n new atoms, with lengths of two bytes.
		half := make([]byte, n/2+1)
		for i := range n {
			half[i/2] |= 8 << (4 * (i % 2))
		}
		half[n/2] |= 1 << (4 * (n % 2))
		p := append([]byte{131, 68, byte(n)}, half...)
		var want []etf.Atom
		for i := range n {
			p = append(p, byte(i), 1, 400-256)
			p = append(p, name...)
			want = append(want, etf.Atom(name))
		}
		if d := cmp.Diff(want, take(t, &a, append(p, 106), true).Atoms); d != "" {
			t.Errorf("%d atoms: %s", n, d)
		}
	}
}

func TestPassThrough(t *testing.T) {
	a := Assembler{Max: 1 << 20}
	m := take(t, &a, []byte{112, 131, 106}, true)
	if !m.Versioned || !bytes.Equal(m.Body, []byte{131, 106}) {
		t.Errorf("got %+v", m)
	}
}

func TestHeaderRefused(t *testing.T) {
	start := func(seq, n byte) []byte {
		return []byte{131, 69, 0, 0, 0, 0, 0, 0, 0, seq, 0, 0, 0, 0, 0, 0, 0, n, 0}
	}
	next := func(seq, n byte) []byte {
		return append([]byte{131, 70, 0, 0, 0, 0, 0, 0, 0, seq, 0, 0, 0, 0, 0, 0, 0, n}, make([]byte, 60)...)
	}
	for name, packets := range map[string][][]byte{
		"empty":             {{131}},
		"no header":         {{131, 104, 1}},
		"no version":        {{1, 2, 3}},
		"no count":          {{131, 68}},
		"flags missing":     {{131, 68, 4, 0}},
		"ref missing":       {{131, 68, 2, 0x88, 0, 1, 1, 'a'}},
		"atom missing":      {{131, 68, 1, 0x08, 1, 9, 'a'}},
		"nothing cached":    {{131, 68, 1, 0x00, 1}},
		"atom too long":     {append([]byte{131, 68, 1, 0x18, 0, 4, 0}, make([]byte, 1024)...)},
		"fragment 0":        {start(1, 0)},
		"starts twice":      {start(1, 2), start(1, 2)},
		"never started":     {next(1, 1)},
		"order":             {start(1, 3), next(1, 1)},
		"short fragment":    {{131, 70, 0, 0}},
		"too much":          {start(1, 3), next(1, 2), next(1, 1)},
		"too much together": {start(1, 3), start(2, 3), next(1, 2), next(2, 2)},
	} {
		a := Assembler{Max: 100}
		var err error
		for i, p := range packets {
			if err != nil {
				t.Errorf("%s: packet %d was refused already: %v", name, i-1, err)
			}
			_, _, err = a.Take(p)
		}
		if err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
	a := Assembler{Max: 100}
	for i := range maxSequences + 1 {
		p := start(0, 2)
		p[8], p[9] = byte(i>>8), byte(i)
		if _, _, err := a.Take(p); (err != nil) != (i == maxSequences) {
			t.Fatalf("sequence %d: %v", i, err)
		}
	}
}

// Messages come out as they were sent, however they are cut and mixed.
func TestFragments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Assembler{Max: 1 << 20}
		var queues [][][]byte
		want := map[string]bool{}
		for i := range rapid.IntRange(1, 4).Draw(t, "messages") {
			body := fmt.Appendf(nil, "%d:%s", i, rapid.StringN(0, 300, -1).Draw(t, "body"))
			want[string(body)] = true
			var q [][]byte
			head := rapid.IntRange(0, len(body)).Draw(t, "head")
			Fragments(uint64(i), head, rapid.IntRange(1, 100).Draw(t, "size"), body, func(p []byte) bool {
				q = append(q, bytes.Clone(p))
				return true
			})
			queues = append(queues, q)
		}
		for len(queues) > 0 {
			i := rapid.IntRange(0, len(queues)-1).Draw(t, "next")
			m, whole, err := a.Take(queues[i][0])
			if err != nil {
				t.Fatal(err)
			}
			if queues[i] = queues[i][1:]; whole != (len(queues[i]) == 0) {
				t.Fatalf("whole is %v with %d fragments to come", whole, len(queues[i]))
			}
			if whole {
				if !want[string(m.Body)] {
					t.Fatalf("%q was never sent", m.Body)
				}
				delete(want, string(m.Body))
				queues = append(queues[:i], queues[i+1:]...)
			}
		}
		if len(want) > 0 || a.pending != 0 || len(a.seqs) != 0 {
			t.Fatalf("%d messages did not come; %d bytes, %d sequences left", len(want), a.pending, len(a.seqs))
		}
	})
}

// FuzzAssembler feeds packets, each with its length in one byte in front.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte("\x04\x83\x44\x00j"))
	f.Add([]byte("\x09\x83\x44\x01\x08\x01\x02abj\x06\x83\x44\x01\x00\x01j"))
	f.Add([]byte("\x14\x83\x45\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00j" +
		"\x13\x83\x46\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01x"))
	f.Add([]byte("\x03p\x83j"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const most = 1 << 10
		a := Assembler{Max: most}
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			m, whole, err := a.Take(b[1 : 1+n])
			if err != nil {
				return
			}
			if len(a.cache) > cacheSize || len(a.seqs) > maxSequences || a.pending > most || len(m.Atoms) > 255 {
				t.Fatalf("limits: %d cached, %d sequences, %d bytes, %d atoms", len(a.cache), len(a.seqs), a.pending, len(m.Atoms))
			}
			held := 0
			for _, s := range a.seqs {
				held += len(s.body)
				for _, atom := range s.atoms {
					held += len(atom)
				}
			}
			if held != a.pending {
				t.Fatalf("%d bytes are held, %d counted", held, a.pending)
			}
			if whole && m.Fragmented && m.Owned && len(m.Body) > most {
				t.Fatalf("a message of %d bytes", len(m.Body))
			}
			b = b[1+n:]
		}
	})
}
