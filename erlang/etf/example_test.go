package etf_test

import (
	"fmt"

	"github.com/phialdev/phial/erlang/etf"
)

func Example() {
	b, err := etf.Marshal(etf.Tuple{
		etf.Atom("reply"),
		etf.List{1, 2.5, etf.Atom("ok")},
		etf.Map{{Key: "name", Value: etf.Charlist("tally")}, {Key: etf.Atom("nodes"), Value: 3}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	term, err := etf.Decode(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(term)
	nodes, _ := term.At(2).Get(etf.Atom("nodes"))
	n, ok := nodes.Int()
	fmt.Println(term.At(0).IsAtom("reply"), n, ok)
	// Output:
	// {reply,[1,2.5,ok],#{<<"name">> => "tally",nodes => 3}}
	// true 3 true
}

func ExampleDecoder() {
	// Two terms as they might arrive from a node that nobody vouches for.
	stream := []byte{131, 104, 2, 119, 5, 'e', 'r', 'r', 'o', 'r', 97, 7, 131, 108, 255, 255, 255, 255, 97, 1}
	d := etf.Decoder{MaxDepth: 100, MaxSize: 1 << 20, Reuse: true}
	for len(stream) > 0 {
		term, rest, err := d.Decode(stream)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(term)
		stream = rest
	}
	// Output:
	// {error,7}
	// etf: at byte 1: LIST_EXT: more elements than bytes: truncated
}

func ExampleTerm_Elems() {
	b, _ := etf.Marshal(etf.List{etf.Tuple{etf.Atom("kernel"), etf.Charlist("9.2")}, etf.Tuple{etf.Atom("stdlib"), etf.Charlist("5.2")}})
	apps, _ := etf.Decode(b)
	for app := range apps.Elems() {
		name, _ := app.At(0).Atom()
		version, _ := app.At(1).Text()
		fmt.Println(name, version)
	}
	// Output:
	// kernel 9.2
	// stdlib 5.2
}
