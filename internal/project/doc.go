// Package project reads facts about an Elixir source tree, each with the place where it stands.
//
// Elixir is read as its parser reads it (elixir/syntax), and worked out as far as that goes without running any of it: an
// [Expr] is a literal, or hangs on the environment of the node by operations that are known, or is unknown, with the reason.
// The configuration is followed as a release for production has it, so that [Project.Setting] and Application.get_env in
// the code give what the app will see. What is computed in another way is never guessed.
//
// It reads the tree that it is given and nothing else: no process is started and no code of the project is run.
package project
