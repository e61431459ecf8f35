package etf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/etf"
)

// unhex reads bytes written in base 16, with quoted parts taken as they stand.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	var out []byte
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			tb.Fatalf("%q: %v", s, err)
		}
		out = append(out, b...)
	}
	return out
}

// TestForms reads every tag of the format, also in forms that no current release writes.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		kind        etf.Kind
		want        string
	}{
		{"SMALL_INTEGER_EXT", "61 ff", etf.KindInt, "255"},
		{"INTEGER_EXT", "62 ffffffff", etf.KindInt, "-1"},
		{"SMALL_BIG_EXT", "6e 08 00 0000000000000080", etf.KindInt, "9223372036854775808"},
		{"SMALL_BIG_EXT that is small", "6e 04 01 07000000", etf.KindInt, "-7"},
		{"SMALL_BIG_EXT of the least int64", "6e 08 01 0000000000000080", etf.KindInt, "-9223372036854775808"},
		{"SMALL_BIG_EXT without bytes", "6e 00 00", etf.KindInt, "0"},
		{"LARGE_BIG_EXT", "6f 00000009 01 000000000000000001", etf.KindInt, "-18446744073709551616"},
		{"FLOAT_EXT", `63 "-1.50000000000000000000e+00" 00000000`, etf.KindFloat, "-1.5"},
		{"NEW_FLOAT_EXT", "46 8000000000000000", etf.KindFloat, "-0.0"},
		{"NEW_FLOAT_EXT, tiny", "46 0000000000000001", etf.KindFloat, "5.0e-324"},
		{"NEW_FLOAT_EXT, huge", "46 7fefffffffffffff", etf.KindFloat, "1.7976931348623157e308"},
		{"ATOM_EXT", `64 0002 "ok"`, etf.KindAtom, "ok"},
		{"ATOM_EXT in Latin-1", `64 0003 e9 "t" e9`, etf.KindAtom, "été"},
		{"SMALL_ATOM_EXT", `73 01 e9`, etf.KindAtom, "é"},
		{"ATOM_UTF8_EXT", `76 0002 c3a9`, etf.KindAtom, "é"},
		{"SMALL_ATOM_UTF8_EXT", `77 05 "A b'c"`, etf.KindAtom, `'A b\'c'`},
		{"empty atom", `77 00`, etf.KindAtom, `''`},
		{"REFERENCE_EXT", `65 77 03 "a@b" 00000007 01`, etf.KindRef, "#Ref<a@b.7>"},
		{"NEW_REFERENCE_EXT", `72 0002 77 03 "a@b" 01 00000007 00000008`, etf.KindRef, "#Ref<a@b.8.7>"},
		{"NEWER_REFERENCE_EXT", `5a 0003 77 03 "a@b" 00000100 00000007 00000008 ffffffff`, etf.KindRef, "#Ref<a@b.4294967295.8.7>"},
		{"PORT_EXT", `66 77 03 "a@b" 00000007 01`, etf.KindPort, "#Port<a@b.7>"},
		{"NEW_PORT_EXT", `59 77 03 "a@b" 00000007 00000100`, etf.KindPort, "#Port<a@b.7>"},
		{"V4_PORT_EXT", `78 77 03 "a@b" ffffffffffffffff 00000100`, etf.KindPort, "#Port<a@b.18446744073709551615>"},
		{"PID_EXT", `67 77 03 "a@b" 00000055 00000001 02`, etf.KindPid, "<a@b.85.1>"},
		{"NEW_PID_EXT", `58 77 03 "a@b" 00000055 00000000 00000100`, etf.KindPid, "<a@b.85.0>"},
		{"SMALL_TUPLE_EXT", "68 02 61 01 68 00", etf.KindTuple, "{1,{}}"},
		{"LARGE_TUPLE_EXT", "69 00000001 61 01", etf.KindTuple, "{1}"},
		{"MAP_EXT", `74 00000002 77 01 "a" 61 01 6d 00000001 "a" 74 00000000`, etf.KindMap, `#{a => 1,<<"a">> => #{}}`},
		{"NIL_EXT", "6a", etf.KindList, "[]"},
		{"STRING_EXT", `6b 0003 "a" 0a "b"`, etf.KindList, `"a\nb"`},
		{"STRING_EXT without bytes", "6b 0000", etf.KindList, "[]"},
		{"STRING_EXT of no text", "6b 0002 00 01", etf.KindList, "[0,1]"},
		{"LIST_EXT", "6c 00000002 61 01 61 02 6a", etf.KindList, "[1,2]"},
		{"LIST_EXT with a tail", "6c 00000002 61 01 61 02 61 03", etf.KindImproperList, "[1,2|3]"},
		{"LIST_EXT with a list as its tail", "6c 00000001 61 01 6c 00000001 61 02 6a", etf.KindList, "[1,2]"},
		{"LIST_EXT with STRING_EXT as its tail", "6c 00000001 62 00000101 6b 0002 01 02", etf.KindList, "[257,1,2]"},
		{"LIST_EXT with an improper tail", "6c 00000001 61 01 6c 00000001 61 02 61 03", etf.KindImproperList, "[1,2|3]"},
		{"LIST_EXT without elements", "6c 00000000 61 07", etf.KindInt, "7"},
		{"LIST_EXT with an empty STRING_EXT as its tail", "6c 00000001 61 01 6b 0000", etf.KindList, "[1]"},
		{"BINARY_EXT", `6d 00000003 "abc"`, etf.KindBinary, `<<"abc">>`},
		{"BINARY_EXT in UTF-8", `6d 00000002 c3a9`, etf.KindBinary, `<<"é"/utf8>>`},
		{"BINARY_EXT, empty", `6d 00000000`, etf.KindBinary, `<<>>`},
		{"BIT_BINARY_EXT", "4d 00000002 03 ff bf", etf.KindBitString, "<<255,5:3>>"},
		{"BIT_BINARY_EXT of whole bytes", "4d 00000001 08 ff", etf.KindBinary, "<<255>>"},
		{"EXPORT_EXT", `71 77 05 "lists" 77 03 "map" 61 02`, etf.KindExport, "fun lists:map/2"},
		{"NEW_FUN_EXT", `70 0000003d 01 00112233445566778899aabbccddeeff 00000003 00000002 77 01 "m" 61 00 62 000003e8
			58 77 03 "a@b" 00000055 00000000 00000100 61 07 61 08`, etf.KindFun, "#Fun<m.3.1000>"},
	} {
		c.bytes = strings.ReplaceAll(strings.ReplaceAll(c.bytes, "\n", ""), "\t", "")
		b := append([]byte{etf.Version}, unhex(t, c.bytes)...)
		term, err := etf.Decode(b)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := term.String(); got != c.want || term.Kind() != c.kind {
			t.Errorf("%s: read %s %s, want %s %s", c.name, term.Kind(), got, c.kind, c.want)
		}
		i := 0
		for e := range term.Elems() {
			if at := term.At(i); !at.Equal(e) {
				t.Errorf("%s: element %d is %v, or %v", c.name, i, e, at)
			}
			i++
		}
		if term.At(i).Valid() || (c.kind == etf.KindTuple || c.kind == etf.KindList || c.kind == etf.KindImproperList) && i != term.Len() {
			t.Errorf("%s: %d elements, of which there are %d", c.name, term.Len(), i)
		}
		// Cut anywhere it is an error that says so.
		for n := range b {
			if _, err := etf.Decode(b[:n]); !errors.Is(err, etf.ErrTruncated) {
				t.Errorf("%s: the first %d of %d bytes give %v, want ErrTruncated", c.name, n, len(b), err)
			}
		}
		// With bytes behind it the one refuses, the other gives them back.
		long := append(bytes.Clone(b), "behind"...)
		if _, err := etf.Decode(long); !errors.Is(err, etf.ErrTrailing) {
			t.Errorf("%s: with bytes behind it: %v, want ErrTrailing", c.name, err)
		}
		var d etf.Decoder
		got, rest, err := d.Decode(long)
		if err != nil || string(rest) != "behind" || !got.Equal(term) {
			t.Errorf("%s: with bytes behind it: %v, %q, %v", c.name, got, rest, err)
		}
		bare, rest, err := d.DecodeBare(long[1:])
		if err != nil || string(rest) != "behind" || !bare.Equal(term) {
			t.Errorf("%s: without its version: %v, %q, %v", c.name, bare, rest, err)
		}
	}
}

func TestRefused(t *testing.T) {
	x := strings.Repeat("78", 256)
	for _, c := range []struct {
		name, bytes string
		offset      int
		err         error
	}{
		{"nothing", "", 0, etf.ErrTruncated},
		{"another version", "82 6a", 0, etf.ErrVersion},
		{"no tag", "83 00", 1, etf.ErrTag},
		{"compression within", "83 68 01 50 00000001 00", 3, etf.ErrTag},
		{"FUN_EXT", "83 75 00000000", 1, etf.ErrTag},
		{"LOCAL_EXT", "83 79 00000000 61 01", 1, etf.ErrTag},
		{"infinity", "83 46 7ff0000000000000", 1, etf.ErrMalformed},
		{"NaN", "83 46 7ff8000000000001", 1, etf.ErrMalformed},
		{"-infinity", "83 68 01 46 fff0000000000000", 3, etf.ErrMalformed},
		{"FLOAT_EXT that is none", "83 63" + strings.Repeat("00", 31), 1, etf.ErrMalformed},
		{"FLOAT_EXT in words", `83 63 "inf"` + strings.Repeat("00", 28), 1, etf.ErrMalformed},
		{"FLOAT_EXT in base 16", `83 63 "0x1.0p3"` + strings.Repeat("00", 24), 1, etf.ErrMalformed},
		{"FLOAT_EXT without a point", `83 63 "15"` + strings.Repeat("00", 29), 1, etf.ErrMalformed},
		{"FLOAT_EXT too large", `83 63 "1.0e999"` + strings.Repeat("00", 24), 1, etf.ErrMalformed},
		{"ATOM_EXT of 256 characters", "83 64 0100" + x, 1, etf.ErrMalformed},
		{"ATOM_UTF8_EXT of 256 characters", "83 76 0100" + x, 1, etf.ErrMalformed},
		{"ATOM_UTF8_EXT not in UTF-8", "83 76 0001 e9", 1, etf.ErrMalformed},
		{"SMALL_ATOM_UTF8_EXT with a surrogate", "83 77 03 eda080", 1, etf.ErrMalformed},
		{"ATOM_CACHE_REF without a cache", "83 52 00", 1, etf.ErrMalformed},
		{"BIT_BINARY_EXT with 9 bits", "83 4d 00000001 09 ff", 1, etf.ErrMalformed},
		{"BIT_BINARY_EXT with no bits", "83 4d 00000001 00 ff", 1, etf.ErrMalformed},
		{"BIT_BINARY_EXT with bits of nothing", "83 4d 00000000 01", 1, etf.ErrMalformed},
		{"pid of no node", "83 58 61 01 00000000 00000000 00000000", 2, etf.ErrMalformed},
		{"PID_EXT with a large creation", `83 67 77 01 "a" 00000000 00000000 04`, 1, etf.ErrMalformed},
		{"reference without words", `83 5a 0000 77 01 "a" 00000001`, 1, etf.ErrMalformed},
		{"reference of 6 words", `83 5a 0006 77 01 "a" 00000001` + strings.Repeat("00", 24), 1, etf.ErrMalformed},
		{"REFERENCE_EXT with a large id", `83 65 77 01 "a" 00040000 01`, 1, etf.ErrMalformed},
		{"export of no arity", `83 71 77 01 "a" 77 01 "b" 62 00000001`, 1, etf.ErrMalformed},
		{"fun of another size", `83 70 00000030 01 00112233445566778899aabbccddeeff 00000003 00000000 77 01 "m" 61 00 61 00
			58 77 01 "a" 00000055 00000000 00000100`, 2, etf.ErrMalformed},
		{"fun of no module", `83 70 00000032 01 00112233445566778899aabbccddeeff 00000003 00000000 61 01 61 00 61 00
			58 77 01 "a" 00000055 00000000 00000100`, 2, etf.ErrMalformed},
		{"fun of no process", `83 70 00000026 01 00112233445566778899aabbccddeeff 00000003 00000000 77 01 "m" 61 00 61 00 61 00`, 2, etf.ErrMalformed},
		{"a key twice", "83 74 00000002 61 01 61 02 61 01 61 03", 14, etf.ErrMalformed},
		{"a key twice, in two forms", `83 74 00000002 6b 0001 01 61 02 6c 00000001 61 01 6a 61 03`, 22, etf.ErrMalformed},
		{"list of 4e9", "83 6c ffffffff 61 01", 1, etf.ErrTruncated},
		{"tuple of 4e9", "83 69 ffffffff 61 01", 1, etf.ErrTruncated},
		{"map of 2e9", "83 74 7fffffff 61 01", 1, etf.ErrTruncated},
		{"fun with 4e9 variables", "83 70 ffffffff 01 00112233445566778899aabbccddeeff 00000003 ffffffff 61 01", 1, etf.ErrTruncated},
		{"binary of 4e9", "83 6d ffffffff 61 01", 1, etf.ErrTruncated},
		{"integer of 4e9 bytes", "83 6f ffffffff 00 01", 1, etf.ErrTruncated},
		{"elements that the outer tuple needs", "83 68 05 68 03 61 01 61 01 61 01", 3, etf.ErrTruncated},
	} {
		c.bytes = strings.ReplaceAll(strings.ReplaceAll(c.bytes, "\n", ""), "\t", "")
		term, err := etf.Decode(unhex(t, c.bytes))
		var de *etf.DecodeError
		if !errors.As(err, &de) {
			t.Errorf("%s: read %v, %v", c.name, term, err)
			continue
		}
		if !errors.Is(err, c.err) || c.offset != de.Offset {
			t.Errorf("%s: %v, want %v at byte %d", c.name, err, c.err, c.offset)
		}
		if term.Valid() {
			t.Errorf("%s: a term besides the error: %v", c.name, term)
		}
	}
}

// TestDoubleKeys looks for a key given twice in maps of many sizes and keys of many forms.
func TestDoubleKeys(t *testing.T) {
	keys := map[string]func(i int) any{
		"integers": func(i int) any { return i },
		"atoms":    func(i int) any { return etf.Atom(strings.Repeat("k", i%200) + string(rune('a'+i/200))) },
		"binaries": func(i int) any { return strings.Repeat("k", i) },
		"tuples":   func(i int) any { return etf.Tuple{etf.Atom("k"), etf.List{i}} },
		"lists":    func(i int) any { return etf.List{i % 256, i / 256} },
		"maps":     func(i int) any { return etf.Map{{Key: i, Value: 1}, {Key: "x", Value: i}} },
		"floats":   func(i int) any { return float64(i) / 3 },
		"bits":     func(i int) any { return etf.BitString{Bytes: []byte{byte(i >> 8), byte(i), 0xff}, Bits: 3} },
		"pids":     func(i int) any { return etf.Pid{Node: "a@b", ID: uint32(i)} },
		"mixed": func(i int) any {
			return []any{i, float64(i), etf.Atom(string(rune('a' + i))), etf.Tuple{i}, etf.List{i}}[i%5]
		},
	}
	for name, key := range keys {
		for _, n := range []int{2, 3, 6, 7, 8, 33, 700} {
			var m etf.Map
			for i := range n {
				m = append(m, etf.Pair{Key: key(i), Value: i})
			}
			b, err := etf.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			term, err := etf.Decode(b)
			if err != nil {
				t.Errorf("%d %s: %v", n, name, err)
				continue
			}
			for _, i := range []int{0, n / 2, n - 1} {
				if v, ok := term.Get(key(i)); !ok || v.String() != strconv.Itoa(i) {
					t.Errorf("%d %s: Get of key %d gives %v, %v", n, name, i, v, ok)
				}
			}
			m[n-1].Key = key(n / 3)
			if b, err = etf.Marshal(m); err != nil {
				t.Fatal(err)
			}
			if _, err := etf.Decode(b); n > 1 && n/3 != n-1 && !errors.Is(err, etf.ErrMalformed) {
				t.Errorf("%d %s with one of them twice: %v, want ErrMalformed", n, name, err)
			}
		}
	}
}
