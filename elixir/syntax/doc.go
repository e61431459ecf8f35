// Package syntax reads Elixir source text and gives what Code.string_to_quoted gives, without an Elixir: the quoted
// form, as a tree of [Node] values with the place of each in the text. It needs the standard library alone.
//
// [Parse] never runs anything of what it reads, and never guesses: for every expression the tree is the one that Elixir
// makes, or a node of kind [Unknown] that says why there is none. So what Elixir refuses, and what this package does not
// know, is Unknown; reading goes on behind it, at the next expression of the same nesting, and a file with a mistake in it
// still gives the rest of what it says. [File.Errors] has the mistakes, with positions, in Elixir's words where that was
// easy.
//
// # The quoted form
//
// Elixir's own literals stand for themselves: atoms, numbers, strings, charlists, lists and tuples of two. Everything else
// is a triple: {name, meta, args} is a node of kind [Call], with the name in Text, or with the node that is called in Fun
// where it is not just a name; {name, meta, nil} is a [Variable]. Operators, `%{}`, `{}`, `<<>>`, `__aliases__`,
// `__block__`, `fn` and `->` are calls like any other, and a keyword list is a list of tuples. So one reads a tree as a
// macro would:
//
//	config :app, port: 4000   Call "config": Atom "app", List of one Tuple: Atom "port", Integer 4000
//	System.get_env("X")       Call, Fun: Call ".": Call "__aliases__", Atom "get_env"; args: String "X"
//	a |> b()                  Call "|>": Variable "a", Call "b"
//
// There are helpers for what most readers look for: [Node.Call], [Node.Remote], [Node.Alias], [Node.Get], [Node.Block],
// [Node.Do], [Node.Pipe], [Node.Sigil], the values of literals, and [Node.Walk].
//
// # Positions
//
// [Node.Pos] is the line and column that Elixir's own metadata has (with columns: true), which for an operator is that of
// the operator; a node that has none in Elixir has the place where it begins. [Node.Start] and [Node.End] are byte offsets
// of the whole expression, with the parentheses around it if there are any, so that src[n.Start():n.End()] can be replaced
// by another expression.
//
// Columns within strings count what Unicode calls grapheme clusters, as Elixir's do. Which letters of Indic scripts make one
// is newer Unicode's to say, and so the OTP's: behind such text the columns are those of Unicode before 15.1.
//
// # Versions
//
// The trees of Elixir 1.14 to 1.20 differ in rare places; [Options.Elixir] says which is wanted. What one of them refuses is
// refused for it as well, with one exception: 1.14 takes no semicolon at the beginning of the line that closes a parenthesis.
//
// # Limits
//
// Time and memory grow with the size of the source alone. Expressions nested more than [Options.MaxDepth] deep are
// Unknown, and so are strings in the interpolations of a hundred others, and a source of more than [Options.MaxBytes].
//
// Identifiers that are not ASCII are read where all their letters are of one of the common scripts and no rule about
// normal forms or mixed scripts can touch them; others are Unknown.
package syntax
