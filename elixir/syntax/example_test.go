package syntax_test

import (
	"fmt"

	"github.com/phialdev/phial/elixir/syntax"
)

// What a configuration says, with the place of each fact.
func ExampleParse() {
	f := syntax.Parse(`import Config

config :shop, Shop.Endpoint,
  url: [host: "example.org"],
  port: 4000

if config_env() == :prod do
  config :shop, pool: System.get_env("POOL") || "10"
end
`, syntax.Options{})
	for n := range f.Root.All() {
		if n.CallOf("System", "get_env") {
			name, _ := n.Args[0].Str()
			fmt.Println("reads", name, "on line", n.Pos().Line)
		}
		if !n.Call("config") {
			continue
		}
		options, _ := n.Keywords()
		if url, ok := options.Get("url"); ok {
			if host, ok := url.Get("host"); ok {
				fmt.Println("host is", host.Text, "on line", host.Pos().Line)
			}
		}
	}
	// Output:
	// host is example.org on line 4
	// reads POOL on line 8
}

// A mistake costs the expression that it is in.
func ExampleFile() {
	f := syntax.Parse("def project do\n  [app: :shop, version: 1 2, deps: []]\nend\n", syntax.Options{})
	fmt.Println(f.Errors[0])
	body, _ := f.Root.Do()
	app, _ := body.Get("app")
	version, _ := body.Get("version")
	fmt.Println("app:", app.Text, "version:", version.Kind)
	// Output:
	// 2:27: syntax error before: 2
	// app: shop version: unknown
}

// A source is changed in place by the offsets of what it says.
func ExampleNode_Start() {
	src := `config :shop, port: 4000, pool: 10`
	options, _ := syntax.Parse(src, syntax.Options{}).Root.Keywords()
	port, _ := options.Get("port")
	fmt.Println(src[:port.Start()] + `String.to_integer(System.get_env("PORT"))` + src[port.End():])
	// Output: config :shop, port: String.to_integer(System.get_env("PORT")), pool: 10
}

// Pipes, attributes and lists of words.
func ExampleNode_Pipe() {
	root := syntax.Parse("@envs ~w(dev test)a\nname |> String.trim() |> to_atom()", syntax.Options{}).Root
	name, value, _ := root.Block()[0].Attribute()
	words, atoms, _ := value.Words()
	fmt.Println(name, words, atoms)
	for _, step := range root.Block()[1].Pipe() {
		fmt.Println(step.Kind)
	}
	// Output:
	// envs [dev test] true
	// variable
	// call
	// call
}
