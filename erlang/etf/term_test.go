package etf_test

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/erlang/etf"
)

// decoded makes a Term of a Go value.
func decoded(tb testing.TB, v any) etf.Term {
	tb.Helper()
	b, err := etf.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	term, err := etf.Decode(b)
	if err != nil {
		tb.Fatal(err)
	}
	return term
}

// TestAskingForWhatIsNot asks terms of every kind, and none at all, for everything: each answers with
// what it is, no where it is something else, and never panics.
func TestAskingForWhatIsNot(t *testing.T) {
	type answers struct {
		Int, Uint, BigInt, Float, Atom, Bool, Bytes, BitString, Text, Pid, Port, Ref, Export, Fun, Tail bool
		Len                                                                                             int
	}
	all := reply().(etf.Tuple)
	for _, c := range []struct {
		value any
		want  answers
	}{
		{nil, answers{}},
		{1, answers{Int: true, Uint: true, BigInt: true}},
		{-1, answers{Int: true, BigInt: true}},
		{uint64(math.MaxUint64), answers{Uint: true, BigInt: true}},
		{all[15], answers{BigInt: true}},
		{2.5, answers{Float: true}},
		{etf.Atom("x"), answers{Atom: true}},
		{false, answers{Atom: true, Bool: true}},
		{"text", answers{Bytes: true, BitString: true, Text: true, Len: 4}},
		{"\xff", answers{Bytes: true, BitString: true, Len: 1}},
		{all[16], answers{BitString: true, Len: 2}},
		{etf.Charlist("ab"), answers{Text: true, Len: 2}},
		{etf.Charlist("a€"), answers{Text: true, Len: 2}},
		{etf.List{}, answers{Text: true}},
		{etf.List{0xd800}, answers{Len: 1}},
		{etf.List{-1}, answers{Len: 1}},
		{etf.List{etf.Atom("x")}, answers{Len: 1}},
		{etf.ImproperList{Elems: []any{97}, Tail: 98}, answers{Tail: true, Len: 1}},
		{etf.Tuple{97, 98}, answers{Len: 2}},
		{etf.Map{{Key: 1, Value: 2}}, answers{Len: 1}},
		{all[11], answers{Pid: true}}, {all[12], answers{Port: true}}, {all[13], answers{Ref: true}},
		{all[14], answers{Export: true}}, {all[18], answers{Fun: true}},
	} {
		var term etf.Term
		if c.value != nil {
			term = decoded(t, c.value)
		}
		var got answers
		_, got.Int = term.Int()
		_, got.Uint = term.Uint()
		_, got.BigInt = term.BigInt()
		_, got.Float = term.Float()
		_, got.Atom = term.Atom()
		_, got.Bool = term.Bool()
		_, got.Bytes = term.Bytes()
		_, got.BitString = term.BitString()
		_, got.Text = term.Text()
		_, got.Pid = term.Pid()
		_, got.Port = term.Port()
		_, got.Ref = term.Ref()
		_, got.Export = term.Export()
		_, got.Fun = term.Fun()
		_, got.Tail = term.Tail()
		got.Len = term.Len()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", term, diff)
		}
		for _, i := range []int{-1, got.Len, math.MaxInt} {
			if e := term.At(i); e.Valid() {
				t.Errorf("%v has an element %d: %v", term, i, e)
			}
			if k, v := term.Pair(i); k.Valid() || v.Valid() {
				t.Errorf("%v has a pair %d: %v, %v", term, i, k, v)
			}
		}
		if v, ok := term.Get("absent"); ok {
			t.Errorf("%v has something absent: %v", term, v)
		}
		for range term.Pairs() {
			break
		}
		for range term.Elems() {
			break
		}
		if !term.Equal(term) || term.Equal(decoded(t, etf.Atom("something else"))) {
			t.Errorf("%v is not equal to itself alone", term)
		}
	}
	if s := (etf.Term{}).String(); s != "<invalid>" {
		t.Errorf("no term is %q", s)
	}
	if v := (etf.Term{}).Value(); v != nil {
		t.Errorf("no term has the value %v", v)
	}
}

func TestGet(t *testing.T) {
	key := etf.Tuple{etf.Atom("k"), 1}
	pairs := []etf.Pair{
		{Key: etf.Atom("atom"), Value: 1}, {Key: "binary", Value: 2}, {Key: 3, Value: 3}, {Key: key, Value: 4},
		{Key: new(big.Int).Lsh(big.NewInt(1), 70), Value: 5}, {Key: 2.5, Value: 6}, {Key: etf.Charlist("list"), Value: 7},
		{Key: true, Value: 8},
	}
	var list etf.List
	for _, p := range pairs {
		list = append(list, etf.Tuple{p.Key, p.Value}, etf.Tuple{p.Key, 99})
	}
	list = append(list, etf.Atom("bare"), etf.Tuple{etf.Atom("bare"), 99}, etf.Tuple{etf.Atom("triple"), 1, 2}, 7)
	asMap, asList := decoded(t, etf.Map(pairs)), decoded(t, list)
	for _, term := range []etf.Term{asMap, asList} {
		for _, p := range pairs {
			want := int64(p.Value.(int))
			for _, k := range []any{p.Key, decoded(t, p.Key)} {
				if v, ok := term.Get(k); !ok {
					t.Errorf("%v: no %v", term, k)
				} else if got, _ := v.Int(); got != want {
					t.Errorf("%v: %v is %v, want %d", term, k, v, want)
				}
			}
		}
		for _, k := range []any{"atom", etf.Atom("binary"), 3.0, int64(4), "triple", etf.Atom("triple"), nil, struct{}{}, etf.Term{}} {
			if v, ok := term.Get(k); ok {
				t.Errorf("%v: %v is %v, want nothing", term, k, v)
			}
		}
	}
	if v, ok := asList.Get(etf.Atom("bare")); !ok || !v.IsAtom("true") {
		t.Errorf("a bare atom is %v, %v, want true", v, ok)
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{etf.Atom("Elixir.Enum"), "'Elixir.Enum'"}, {etf.Atom("a@b"), "a@b"}, {etf.Atom("été_1"), "été_1"},
		{etf.Atom("a.b"), "'a.b'"}, {etf.Atom("end"), "'end'"}, {etf.Atom("日本"), "'日本'"}, {etf.Atom("a\n\x00\\"), `'a\n\x{0}\\'`},
		{1.0, "1.0"}, {1e22, "1.0e22"}, {1.5e-7, "1.5e-7"}, {-2.5e300, "-2.5e300"},
		{new(big.Int).Lsh(big.NewInt(-1), 70), "-1180591620717411303424"},
		{new(big.Int).Lsh(big.NewInt(-1), 9000), "-16#1" + strings.Repeat("0", 2250)},
		{"a\"\\\t", `<<"a\"\\\t">>`}, {"\x00", "<<0>>"}, {etf.List{"a", etf.List{}}, `[<<"a">>,[]]`},
		{etf.Charlist("€"), `"€"`}, {etf.List{7}, "[7]"}, {etf.ImproperList{Elems: []any{97}, Tail: 98}, "[97|98]"},
	} {
		if got := decoded(t, c.value).String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// TestStringIsBounded writes terms of many bytes: the text is short, and cut between characters.
func TestStringIsBounded(t *testing.T) {
	wide := make(etf.List, 100_000)
	for i := range wide {
		wide[i] = etf.Tuple{i}
	}
	for name, v := range map[string]any{
		"a list":       wide,
		"a tuple":      etf.Tuple(wide),
		"text":         strings.Repeat("€", 100_000),
		"a charlist":   etf.Charlist(strings.Repeat("€", 100_000)),
		"bytes":        make([]byte, 100_000),
		"a bit string": etf.BitString{Bytes: make([]byte, 100_000), Bits: 1},
		"an integer":   new(big.Int).Lsh(big.NewInt(1), 1_000_000),
	} {
		term := decoded(t, v)
		for _, limit := range []int{0, 1, 2, 3, 4, 5, 100, 4096} {
			s := term.Format(limit)
			if len(s) > limit+3 || !strings.HasSuffix(s, "...") || strings.ContainsRune(s, '\uFFFD') {
				t.Errorf("%s in %d bytes: %d bytes, %q", name, limit, len(s), s[:min(len(s), 50)])
			}
		}
	}
}

func TestEqual(t *testing.T) {
	shuffled := func(from, step int) (m etf.Map) {
		for i := range 101 {
			k := (from + i*step) % 101
			m = append(m, etf.Pair{Key: etf.Tuple{k, "key"}, Value: k})
		}
		return m
	}
	if a, b := decoded(t, shuffled(0, 1)), decoded(t, shuffled(50, 7)); !a.Equal(b) || !b.Equal(a) {
		t.Error("maps that differ in the order of pairs differ")
	}
	one := shuffled(50, 7)
	one[3].Value = "another"
	if a, b := decoded(t, shuffled(0, 1)), decoded(t, one); a.Equal(b) || b.Equal(a) {
		t.Error("maps that differ in a value are equal")
	}
	one = shuffled(50, 7)
	one[3].Key = "another"
	if a, b := decoded(t, shuffled(0, 1)), decoded(t, one); a.Equal(b) || b.Equal(a) {
		t.Error("maps that differ in a key are equal")
	}
	different := []any{
		1, 1.0, 0.0, math.Copysign(0, -1), etf.Atom("a"), "a", etf.Charlist("a"), etf.Tuple{97}, etf.List{}, etf.Tuple{}, etf.Map{},
		etf.BitString{Bytes: []byte{0x60}, Bits: 7}, etf.BitString{Bytes: []byte{0x60}, Bits: 6}, etf.List{97, 98},
		etf.ImproperList{Elems: []any{97}, Tail: 98}, etf.ImproperList{Elems: []any{97}, Tail: 99}, etf.Map{{Key: 1, Value: 2}},
		etf.Pid{Node: "a@b", ID: 1}, etf.Pid{Node: "a@b", ID: 1, Creation: 1}, etf.Port{Node: "a@b", ID: 1}, etf.Ref{Node: "a@b", Len: 1},
		etf.Ref{Node: "a@b", Len: 2}, etf.Export{Module: "m", Function: "f"}, etf.Export{Module: "m", Function: "f", Arity: 1},
		etf.Fun{Module: "m", Pid: etf.Pid{Node: "a@b"}}, etf.Fun{Module: "m", Pid: etf.Pid{Node: "a@b"}, Index: 1},
		new(big.Int).Lsh(big.NewInt(1), 70), new(big.Int).Lsh(big.NewInt(-1), 70),
	}
	for i, v := range different {
		for j, w := range different {
			if got := decoded(t, v).Equal(decoded(t, w)); got != (i == j) {
				t.Errorf("%v equals %v: %v", decoded(t, v), decoded(t, w), got)
			}
		}
	}
	// One list in four forms, one bit string with other unused bits.
	for _, same := range [][]string{
		{"6b 0002 61 62", "6c 00000002 61 61 61 62 6a", "6c 00000001 61 61 6b 0001 62", "6c 00000001 61 61 6c 00000001 61 62 6a"},
		{"4d 00000001 03 ff", "4d 00000001 03 e0"},
		{`64 0001 e9`, `77 02 c3a9`, `52 00`},
		{"6e 01 00 07", "61 07", "62 00000007", "6f 00000003 00 070000"},
	} {
		d := etf.Decoder{Atoms: []etf.Atom{"é"}}
		for _, x := range same {
			for _, y := range same {
				a, _, errA := d.DecodeBare(unhex(t, x))
				b, _, errB := d.DecodeBare(unhex(t, y))
				if errA != nil || errB != nil || !a.Equal(b) {
					t.Errorf("%s and %s differ (%v, %v)", x, y, errA, errB)
				}
				// As keys of one map they are one key.
				m := append(append([]byte{116, 0, 0, 0, 8}, unhex(t, x)...), 106)
				for i := range byte(6) {
					m = append(m, 97, 100+i, 106)
				}
				m = append(append(m, unhex(t, y)...), 106)
				if _, _, err := d.DecodeBare(m); err == nil {
					t.Errorf("%s and %s are two keys", x, y)
				}
			}
		}
	}
}

// TestValue takes generated Go values through bytes and a Term and back.
func TestValue(t *testing.T) {
	rapid.Check(t, roundTrip)
}

func roundTrip(t *rapid.T) {
	v := genTerm.Draw(t, "term")
	b, err := etf.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	term, err := etf.Decode(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	built, err := etf.Marshal(term.Value())
	if err != nil {
		t.Fatalf("%v: %v", term, err)
	}
	second, err := etf.Decode(built)
	if err != nil || !second.Equal(term) || !term.Equal(second) {
		t.Fatalf("%v came back as %v (%v)", term, second, err)
	}
	again := term.Append(etf.AppendVersion(nil))
	if third, err := etf.Decode(again); err != nil || !third.Equal(term) {
		t.Fatalf("%v came back as %v (%v)", term, third, err)
	}
}

func TestAtomCache(t *testing.T) {
	d := etf.Decoder{Atoms: []etf.Atom{"zero", "été"}}
	term, _, err := d.DecodeBare([]byte{104, 4, 82, 1, 82, 0, 82, 1, 88, 82, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})
	if err != nil {
		t.Fatal(err)
	}
	d.Atoms[0], d.Atoms[1] = "other", "atoms" // the next message's
	if got, want := term.String(), "{été,zero,été,<zero.1.2>}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	plain, err := etf.Decode(term.Append(etf.AppendVersion(nil)))
	if err != nil || !plain.Equal(term) || !term.Equal(plain) {
		t.Errorf("without a cache it is %v, %v", plain, err)
	}
	if _, _, err := d.DecodeBare([]byte{82, 2}); err == nil {
		t.Error("an atom behind the cache's last is accepted")
	}
}

func TestWhoOwnsTheBytes(t *testing.T) {
	input := func() []byte { return etf.AppendBinary(etf.AppendVersion(nil), "0123456789") }
	for _, c := range []struct {
		name         string
		decoder      etf.Decoder
		alias, reuse bool
	}{
		{"neither", etf.Decoder{}, false, false},
		{"Alias", etf.Decoder{Alias: true}, true, false},
		{"Reuse", etf.Decoder{Reuse: true}, false, true},
		{"both", etf.Decoder{Alias: true, Reuse: true}, true, true},
	} {
		b := input()
		term, _, err := c.decoder.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		copy(b[6:], "XXXXXXXXXX")
		if s, _ := term.Text(); (s == "XXXXXXXXXX") != c.alias {
			t.Errorf("%s: after a change of the input the term is %q", c.name, s)
		}
		if _, _, err := c.decoder.Decode([]byte{131, 106}); err != nil {
			t.Fatal(err)
		}
		if term.IsNil() != c.reuse {
			t.Errorf("%s: after the next term the first is %v", c.name, term)
		}
		c.decoder.Reset()
		if _, _, err := c.decoder.Decode(input()); err != nil {
			t.Errorf("%s: after Reset: %v", c.name, err)
		}
	}
	// What a Term hands out cannot be grown into what lies behind it.
	term := decoded(t, etf.Tuple{"ab", "cd"})
	first, _ := term.At(0).Bytes()
	_ = append(first, "overwritten"...)
	if s, _ := term.At(1).Text(); s != "cd" {
		t.Errorf("appending to one binary made another %q", s)
	}
}

// TestManyReaders reads one Term from many goroutines, for the race detector.
func TestManyReaders(t *testing.T) {
	term := decoded(t, reply())
	want := term.Append(nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			other, err := etf.Decode(term.Append(etf.AppendVersion(nil)))
			if err != nil || !other.Equal(term) || !bytes.Equal(term.Append(nil), want) || term.String() == "" || term.Value() == nil {
				t.Errorf("read otherwise by another goroutine: %v", err)
			}
		})
	}
	wg.Wait()
}
