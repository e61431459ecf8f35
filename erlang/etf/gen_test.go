package etf_test

import (
	"math"
	"math/big"
	"strings"

	"pgregory.net/rapid"

	"github.com/phialdev/phial/erlang/etf"
)

// genTerm makes Go values of every kind that Append takes.
var genTerm = rapid.Custom(func(t *rapid.T) any { return drawTerm(t, 4) })

func drawTerm(t *rapid.T, depth int) any {
	kinds := 17
	if depth == 0 {
		kinds = 12
	}
	elems := func() []any {
		v := make([]any, rapid.IntRange(0, 6).Draw(t, "elements"))
		for i := range v {
			v[i] = drawTerm(t, depth-1)
		}
		return v
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.Int64().Draw(t, "int")
	case 1:
		return rapid.Uint64().Draw(t, "uint")
	case 2:
		v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "magnitude"))
		if rapid.Bool().Draw(t, "negative") {
			v.Neg(v)
		}
		return v
	case 3:
		v := math.Float64frombits(rapid.Uint64().Draw(t, "float"))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0.5
		}
		return v
	case 4:
		return genAtom.Draw(t, "atom")
	case 5:
		return rapid.SliceOf(rapid.Byte()).Draw(t, "binary")
	case 6:
		return etf.BitString{
			Bytes: rapid.SliceOfN(rapid.Byte(), 1, 10).Draw(t, "bytes"),
			Bits:  rapid.Uint8Range(1, 8).Draw(t, "bits"),
		}
	case 7:
		return etf.Charlist(rapid.String().Draw(t, "charlist"))
	case 8:
		return drawPid(t)
	case 9:
		return etf.Port{
			Node:     genNode.Draw(t, "node"),
			ID:       rapid.OneOf(rapid.Uint64Max(1<<28-1), rapid.Uint64()).Draw(t, "port"),
			Creation: drawCreation(t),
		}
	case 10:
		// Not of one word: OTP 25 hashes such a one from another node together with whatever lies behind
		// it, so that as a key of a large map it differs from itself.
		r := etf.Ref{Node: genNode.Draw(t, "node"), Creation: drawCreation(t), Len: rapid.Uint8Range(2, etf.MaxRefWords).Draw(t, "words")}
		for i := range r.Len {
			r.Words[i] = rapid.Uint32().Draw(t, "word")
		}
		return r
	case 11:
		return etf.Export{Module: genAtom.Draw(t, "module"), Function: genAtom.Draw(t, "function"), Arity: rapid.Byte().Draw(t, "arity")}
	case 12:
		return etf.Tuple(elems())
	case 13:
		return etf.List(elems())
	case 14:
		return etf.ImproperList{Elems: elems(), Tail: drawTerm(t, depth-1)}
	case 15:
		return drawMap(t, depth)
	}
	return etf.Fun{
		Module: genAtom.Draw(t, "module"), Arity: rapid.Byte().Draw(t, "arity"),
		Uniq: [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uniq")), Index: rapid.Uint32Max(1000).Draw(t, "index"),
		OldIndex: int64(rapid.Uint32Max(1000).Draw(t, "old index")), OldUniq: int64(rapid.Uint32Max(1<<27).Draw(t, "old uniq")),
		Pid: drawPid(t), Free: elems(),
	}
}

func drawMap(t *rapid.T, depth int) etf.Map {
	n := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, 40)).Draw(t, "pairs")
	var m etf.Map
	seen := map[string]bool{}
	for range n {
		k := drawTerm(t, min(depth-1, 1))
		b, _ := etf.Append(nil, k)
		d, _, err := new(etf.Decoder).DecodeBare(b)
		if err != nil {
			t.Fatal(err)
		}
		// One term may be written in several ways; its decoded form is written in one.
		if key := string(d.Append(nil)); !seen[key] {
			seen[key] = true
			m = append(m, etf.Pair{Key: k, Value: drawTerm(t, min(depth-1, 1))})
		}
	}
	return m
}

// drawCreation avoids 0, which stands for 'whichever creation the node has now'.
func drawCreation(t *rapid.T) uint32 { return rapid.Uint32Range(1, math.MaxUint32).Draw(t, "creation") }

func drawPid(t *rapid.T) etf.Pid {
	return etf.Pid{
		Node: genNode.Draw(t, "node"), ID: rapid.Uint32().Draw(t, "id"),
		Serial: rapid.Uint32().Draw(t, "serial"), Creation: drawCreation(t),
	}
}

var genNode = rapid.Custom(func(t *rapid.T) etf.Atom {
	return etf.Atom(rapid.StringMatching(`[a-z]{1,5}@[a-z0-9.]{1,8}`).Draw(t, "node"))
})

// genAtom draws from a fixed set: a BEAM never forgets an atom.
var genAtom = rapid.SampledFrom([]etf.Atom{
	"", "ok", "error", "a b", "é", "日本", "\U0001f600", "Elixir.Enum", "nil", "\x00",
	etf.Atom(strings.Repeat("x", 255)), etf.Atom(strings.Repeat("é", 255)), etf.Atom(strings.Repeat("\U0010ffff", 255)),
})
