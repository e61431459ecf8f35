// Package envsh works out what a release's rel/env.sh.eex, and what runs before it, make of an environment, without running
// them.
//
// bin/APP reads that file with sh before it starts a node, so whatever a manifest sets goes through it: the node's name,
// its distribution and its flags are what the script leaves. [Run] follows the script as dash would, command by command;
// [Parse] says what stands in it and where; [Result.Defaults] adds what bin/APP sets afterwards, [Result.Node] the name
// that follows. [Enter] follows what a container runs before that, in the same way, up to where it hands over.
//
// Nothing of the machine is seen: no command is run, no file is read, no variable is inherited. What can't be known that
// way (the content of a file, what curl prints, a tag of EEx that is computed) is unknown and stays so through texts,
// conditions and branches: where a condition is not known both ways are followed and only what they agree on is known.
// A value that is said to be known is the one that the shell gives.
//
// Three things are taken for granted. The text of a tag that is not known belongs to the word in which it stands. A file
// that the script reads in its turn does not make functions of the shell's own commands. And the usual tools (hostname,
// cut, awk, sed and the like) are there: whether an image holds them is not this package's business.
package envsh

import "strconv"

// A Source is a script and the name that its positions get.
type Source struct {
	Name string // "rel/env.sh.eex"
	Text []byte
}

// A Release is what is known of the release whose script it is. What is empty is not known.
type Release struct {
	Name    string // what mix.exs calls it
	Version string
	Root    string // its directory in the image, "/app"
	Command string // the first argument of bin/APP: "start", "rpc"…
}

// A Host is what the commands that ask for a host's names print in the pod. What is empty is not known.
type Host struct {
	Name    string   // hostname, uname -n; Short where it is empty
	Short   string   // hostname -s
	FQDN    string   // hostname -f; the short name where DNS has no other, as for a Deployment's pod
	Addrs   []string // hostname -i and -I, in their order
	Busybox bool     // hostname is busybox's, as on Alpine: it has no -I
	Dash    bool     // sh is dash, as on Debian: it ends at expansions that only other shells have
}

// An Env is an environment, as far as it is known.
type Env struct {
	Vars map[string]Value
	// Unsure says why it is not known whether a variable is set that is not in Vars: it may come from a ConfigMap that
	// was not read, or from the image. "" says that it is certainly not set. A nil Unsure says so of all.
	Unsure func(name string) string
	// Lost says why any variable may have been set that is not in Vars: a file was read that is not seen. Unsure says so, too.
	Lost string
}

// A Value is what a variable holds.
type Value struct {
	Text    string // exactly what it holds, where Unknown is empty
	Unknown string // why it is not known
	Parts   []Part // of an unknown value that is certainly set: what is known of its text
	Filled  bool   // of an unknown value: it is certainly set, and not empty
	From    string // where it was set: FILE:LINE:COL, or what the caller said; empty where that is several places or none
}

// Known tells whether the value is known.
func (v Value) Known() bool { return v.Unknown == "" }

// A Part is a piece of a text: one that is known, or a gap and why it is one.
type Part struct {
	Text    string
	Unknown string
}

// A Pos is a place in a file. Columns count bytes, from 1.
type Pos struct {
	File      string
	Line, Col int
}

func (p Pos) String() string {
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// An Ending is a place where the script ends bin/APP, so that no node is started.
type Ending struct {
	Pos    Pos
	Text   string // what stands there, one line
	Why    string // "POD_IP is not set", "exits with status 1"
	Status int    // -1 where it is not known
	// Foreign says that other shells than dash would go on.
	Foreign bool
}

// A Result is the environment after the script.
type Result struct {
	Env // what is exported

	// Shell holds what is set and not exported. bin/APP sees it all the same.
	Shell map[string]Value
	// Ends says that, and where, the script ends bin/APP.
	Ends *Ending
	// Perhaps are the places where it may do so: the condition or the status of the command is not known.
	Perhaps []Ending
	// Unclear says why nothing at all is known of what the script leaves.
	Unclear string
	// Broken says that it is because no shell reads the script: bin/APP ends there.
	Broken *SyntaxError
	// Windows says that its lines end as Windows writes them: to sh the carriage return is part of the last word.
	Windows bool
	// Foreign says that it is unclear for something that not every sh has: dash would end there.
	Foreign bool

	release Release
	host    Host
	names   func(string) Value
	started Env // see Defaults
}
