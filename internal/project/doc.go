// Package project reads facts about an Elixir source tree, each with the place where it stands.
//
// It is a light reading: literals are facts, and whatever is computed is [Unknown], never guessed. It reads the tree that
// it is given and nothing else: no process is started and no code of the project is run.
package project
