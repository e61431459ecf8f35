package etf_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/erlang/etf"
)

func TestAppend(t *testing.T) {
	decoded, err := etf.Decode([]byte{131, 104, 1, 97, 7})
	if err != nil {
		t.Fatal(err)
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 8*255)
	for _, c := range []struct {
		value any
		want  string
	}{
		{etf.Atom("ok"), `77 02 "ok"`},
		{etf.Atom(strings.Repeat("é", 128)), "76 0100" + strings.Repeat("c3a9", 128)},
		{true, `77 04 "true"`},
		{false, `77 05 "false"`},
		{0, "61 00"}, {255, "61 ff"}, {256, "62 00000100"}, {-1, "62 ffffffff"},
		{math.MaxInt32, "62 7fffffff"}, {int64(math.MaxInt32 + 1), "6e 04 00 00000080"},
		{math.MinInt32, "62 80000000"}, {int64(math.MinInt32 - 1), "6e 04 01 01000080"},
		{int64(math.MaxInt64), "6e 08 00 ffffffffffffff7f"}, {int64(math.MinInt64), "6e 08 01 0000000000000080"},
		{uint64(math.MaxUint64), "6e 08 00 ffffffffffffffff"}, {uint(7), "61 07"},
		{int8(-1), "62 ffffffff"}, {int16(-1), "62 ffffffff"}, {int32(-1), "62 ffffffff"},
		{uint8(7), "61 07"}, {uint16(256), "62 00000100"}, {uint32(math.MaxUint32), "6e 04 00 ffffffff"},
		{big.NewInt(5), "61 05"},
		{new(big.Int).Lsh(big.NewInt(-1), 64), "6e 09 01 000000000000000001"},
		{new(big.Int).Sub(huge, big.NewInt(1)), "6e ff 00" + strings.Repeat("ff", 255)},
		{huge, "6f 00000100 00" + strings.Repeat("00", 255) + "01"},
		{1.5, "46 3ff8000000000000"}, {float32(1.5), "46 3ff8000000000000"},
		{math.Copysign(0, -1), "46 8000000000000000"},
		{"é", "6d 00000002 c3a9"}, {[]byte{1}, "6d 00000001 01"}, {[]byte(nil), "6d 00000000"},
		{etf.Charlist(""), "6a"}, {etf.Charlist("ab"), `6b 0002 "ab"`}, {etf.Charlist("é"), "6b 0001 e9"},
		{etf.Charlist("€"), "6c 00000001 62 000020ac 6a"},
		{etf.BitString{Bytes: []byte{255, 255}, Bits: 3}, "4d 00000002 03 ffe0"},
		{etf.BitString{Bytes: []byte{255}, Bits: 8}, "6d 00000001 ff"}, {etf.BitString{}, "6d 00000000"},
		{etf.Tuple{}, "68 00"}, {etf.Tuple{1, etf.Tuple{}}, "68 02 61 01 68 00"},
		{etf.Tuple(make256()), "69 00000100" + strings.Repeat("6100", 256)},
		{etf.List(nil), "6a"}, {etf.List{1}, "6c 00000001 61 01 6a"}, {[]any{1}, "6c 00000001 61 01 6a"},
		{etf.ImproperList{Elems: []any{1}, Tail: 2}, "6c 00000001 61 01 61 02"}, {etf.ImproperList{Tail: 2}, "61 02"},
		{etf.Map{{Key: 1, Value: 2}}, "74 00000001 61 01 61 02"}, {etf.Map(nil), "74 00000000"},
		{etf.Pid{Node: "a@b", ID: 1, Serial: 2, Creation: 3}, `58 77 03 "a@b" 00000001 00000002 00000003`},
		{etf.Port{Node: "a@b", ID: 1<<28 - 1, Creation: 3}, `59 77 03 "a@b" 0fffffff 00000003`},
		{etf.Port{Node: "a@b", ID: 1 << 28, Creation: 3}, `78 77 03 "a@b" 0000000010000000 00000003`},
		{etf.Ref{Node: "a@b", Creation: 3, Len: 2, Words: [5]uint32{1, 2}}, `5a 0002 77 03 "a@b" 00000003 00000001 00000002`},
		{etf.Export{Module: "m", Function: "f", Arity: 2}, `71 77 01 "m" 77 01 "f" 61 02`},
		{decoded, "68 01 61 07"}, {etf.List{decoded}, "6c 00000001 68 01 61 07 6a"},
	} {
		got, err := etf.Append([]byte("before"), c.value)
		if err != nil {
			t.Errorf("%T %v: %v", c.value, c.value, err)
			continue
		}
		if want := append([]byte("before"), unhex(t, c.want)...); string(got) != string(want) {
			t.Errorf("%T %v: %x, want %x", c.value, c.value, got, want)
		}
	}
}

func make256() []any {
	v := make([]any, 256)
	for i := range v {
		v[i] = 0
	}
	return v
}

func TestAppendRefuses(t *testing.T) {
	loop := etf.List{nil}
	loop[0] = loop
	for name, v := range map[string]any{
		"nil":                       nil,
		"a struct":                  struct{}{},
		"a Go map":                  map[string]int{},
		"a nil *big.Int":            (*big.Int)(nil),
		"NaN":                       math.NaN(),
		"infinity":                  float32(math.Inf(1)),
		"an atom of 256":            etf.Atom(strings.Repeat("x", 256)),
		"an atom not in UTF-8":      etf.Atom("\xff"),
		"a pid's node":              etf.Pid{Node: "\xff"},
		"a port's node":             etf.Port{Node: "\xff"},
		"a reference's node":        etf.Ref{Node: "\xff", Len: 1},
		"a reference of no words":   etf.Ref{Node: "a"},
		"a reference of 6 words":    etf.Ref{Node: "a", Len: 6},
		"an export's module":        etf.Export{Module: "\xff"},
		"an export's function":      etf.Export{Function: "\xff"},
		"a fun's module":            etf.Fun{Module: "\xff"},
		"a fun's variable":          etf.Fun{Free: []any{nil}},
		"bits of a byte":            etf.BitString{Bytes: []byte{1}, Bits: 9},
		"no bits of a byte":         etf.BitString{Bytes: []byte{1}},
		"the zero Term":             etf.Term{},
		"no tail":                   etf.ImproperList{Elems: []any{1}},
		"deep inside":               etf.Tuple{1, etf.List{etf.Map{{Key: 1, Value: etf.Tuple{nil}}}}},
		"a key":                     etf.Map{{Key: nil, Value: 1}},
		"a value that holds itself": loop,
	} {
		got, err := etf.Append([]byte("before"), v)
		var ee *etf.EncodeError
		if !errors.As(err, &ee) || !errors.Is(err, etf.ErrValue) || string(got) != "before" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if text := err.Error(); !strings.HasPrefix(text, "etf: encoding "+ee.Type+": ") {
			t.Errorf("%s: the error reads %q", name, text)
		}
		if b, err := etf.Marshal(v); b != nil || err == nil {
			t.Errorf("%s: Marshal gives %x, %v", name, b, err)
		}
	}
}

// TestPrimitivesAreWellFormed gives the functions that cannot fail what is out of range.
func TestPrimitivesAreWellFormed(t *testing.T) {
	bad := etf.Atom("\xff" + strings.Repeat("é", 70_000))
	mended := etf.Atom("\uFFFD" + strings.Repeat("é", 254))
	for _, c := range []struct {
		bytes []byte
		want  any
	}{
		{etf.AppendAtom(nil, bad), mended},
		{etf.AppendPid(nil, etf.Pid{Node: bad}), etf.Pid{Node: mended}},
		{etf.AppendPort(nil, etf.Port{Node: bad}), etf.Port{Node: mended}},
		{etf.AppendRef(nil, etf.Ref{Node: bad, Len: 0}), etf.Ref{Node: mended, Len: 1}},
		{etf.AppendRef(nil, etf.Ref{Node: bad, Len: 9}), etf.Ref{Node: mended, Len: 5}},
		{etf.AppendExport(nil, etf.Export{Module: bad, Function: bad}), etf.Export{Module: mended, Function: mended}},
		{etf.AppendBitString(nil, etf.BitString{Bytes: []byte{1}, Bits: 9}), []byte{1}},
		{etf.AppendBigInt(nil, nil), int64(0)},
		{etf.AppendUint(nil, 1<<63), new(big.Int).Lsh(big.NewInt(1), 63)},
		{etf.AppendBool(nil, true), etf.Atom("true")},
		{etf.AppendCharlist(nil, "a\xff"), etf.List{int64('a'), int64(0xfffd)}},
		{etf.AppendCharlist(nil, strings.Repeat("x", 70_000))[:5:5], nil},
	} {
		if c.want == nil {
			if c.bytes[0] != 108 {
				t.Errorf("a charlist of 70000 has the tag %d, want LIST_EXT", c.bytes[0])
			}
			continue
		}
		term, rest, err := new(etf.Decoder).DecodeBare(c.bytes)
		if err != nil || len(rest) > 0 {
			t.Errorf("%x: %v, %d bytes behind", c.bytes, err, len(rest))
			continue
		}
		if diff := cmp.Diff(c.want, term.Value(), cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%x (-want +got):\n%s", c.bytes, diff)
		}
	}
}

// reply is a value with most kinds in it.
func reply() any {
	return etf.Tuple{
		etf.Atom("rex"), 1, -70000, uint64(math.MaxUint64), 2.5, "binary", []byte("bytes"), true, etf.Charlist("text €"),
		etf.List{etf.Atom("a"), etf.Atom("é"), etf.List{}}, etf.Map{{Key: etf.Atom("k"), Value: etf.Tuple{}}},
		etf.Pid{Node: "a@b", ID: 1}, etf.Port{Node: "a@b"}, etf.Ref{Node: "a@b", Len: 3}, etf.Export{Module: "m", Function: "f"},
		new(big.Int).Lsh(big.NewInt(3), 200), etf.BitString{Bytes: []byte{1, 2}, Bits: 4}, etf.ImproperList{Elems: []any{1}, Tail: 2},
		etf.Fun{Module: "m", Pid: etf.Pid{Node: "a@b"}, Free: []any{1, etf.Atom("x")}},
	}
}

func TestNoAllocations(t *testing.T) {
	v := reply()
	dst, err := etf.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	input := append([]byte(nil), dst...)
	latin1 := []byte{131, 104, 2, 100, 0, 1, 0xe9, 82, 0}
	var table etf.Map
	for i := range 100 {
		table = append(table, etf.Pair{Key: i, Value: "v"})
	}
	large, err := etf.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	term, err := etf.Decode(input)
	if err != nil {
		t.Fatal(err)
	}
	copying := etf.Decoder{Reuse: true, Atoms: []etf.Atom{"cached"}}
	aliasing := etf.Decoder{Reuse: true, Alias: true}
	for name, f := range map[string]func(){
		"Append":            func() { dst, err = etf.Append(dst[:0], v) },
		"Append a literal":  func() { dst, err = etf.Append(dst[:0], etf.Tuple{etf.Atom("ok"), len(dst), etf.Atom("node")}) },
		"Term.Append":       func() { dst = term.Append(dst[:0]) },
		"Decoder.Decode":    func() { _, _, err = copying.Decode(input) },
		"Decoder, aliasing": func() { _, _, err = aliasing.Decode(input) },
		"Decoder, atoms":    func() { _, _, err = copying.Decode(latin1) },
		"Decoder, keys":     func() { _, _, err = copying.Decode(large) },
		"looking around": func() {
			if !term.At(0).IsAtom("rex") || term.At(9).Len() != 3 || !term.Equal(term) {
				t.Error("not what was encoded")
			}
			if _, ok := term.At(10).Get(etf.Atom("k")); !ok {
				t.Error("no k")
			}
			for e := range term.Elems() {
				_ = e.Kind()
			}
		},
	} {
		f() // to grow what is kept
		if n := testing.AllocsPerRun(100, f); n != 0 || err != nil {
			t.Errorf("%s: %v allocations, %v", name, n, err)
		}
	}
}
