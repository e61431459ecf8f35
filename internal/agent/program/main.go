// Package program is phial-agent's command line. Its verbs are few and are run by the
// kubelet, in the agent's container or in the app's, where there is neither a shell nor
// much of an environment.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
	build "github.com/phialdev/phial/internal/version"
)

// Exit statuses.
const (
	ok     = 0
	no     = 1 // not live, not ready, not started
	cannot = 2 // what was asked cannot be done
)

// Worker is what does the agent's work, until ctx ends.
type Worker func(ctx context.Context, s settings.Settings, link *supervisor.Link, log *slog.Logger) error

// Std is what a process has.
type Std struct {
	Env func(string) string
	Out io.Writer
	Err io.Writer
}

// call is one run of one verb.
type call struct {
	Std
	args   []string
	worker Worker
}

func (c call) notef(format string, a ...any) { fmt.Fprintf(c.Err, "phial-agent: "+format+"\n", a...) }

func (c call) printf(format string, a ...any) { fmt.Fprintf(c.Out, format+"\n", a...) }

// verbs by name. Those of help are in help.
var verbs = map[string]func(context.Context, call) int{
	"run": run, "worker": work, "started": started, "live": live, "ready": ready,
	"drain": drain, "mesh": mesh, "state": state, "why": why, "probe": look, "version": version,
}

// Main runs what the arguments say, without the program's name, and gives the exit
// status.
func Main(args []string, std Std, w Worker) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	verb := "run"
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	c := call{Std: std, args: args, worker: w}
	switch verb {
	case "help", "-h", "-help", "--help":
		return help(c)
	case "--version":
		verb = "version"
	}
	f := verbs[verb]
	if f == nil {
		c.notef("there is no verb %q; `phial-agent help` lists them", verb)
		return cannot
	}
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			return help(c)
		}
	}
	return f(ctx, c)
}

// flags reads a verb's flags; false: what was given cannot be used, and that was said.
func (c call) flags(verb string, define func(*flag.FlagSet)) bool {
	fs := flag.NewFlagSet(verb, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if define != nil {
		define(fs)
	}
	err := fs.Parse(c.args)
	if err == nil && fs.NArg() > 0 {
		err = errors.New("unexpected " + strings.Join(fs.Args(), " "))
	}
	if err != nil {
		c.notef("%s: %v; see `phial-agent help`", verb, err)
		return false
	}
	return true
}

const usage = `phial-agent runs beside one BEAM node: it joins the node to its peers, keeps it out
of traffic until then, and drains it before it leaves.

Usage: phial-agent [VERB]

  run                    supervise the agent; what the container does (the default)
  started                exit 0 once the agent of this pod has copied itself
  live                   exit 0 while the node of this pod answers; asks the node itself
  ready                  exit 0 while the gate is open, and say why it is not
  drain                  close the gate, drain the node, and wait for the end of it
  drain --undo           take that back
  mesh [-o json] [--observe]
                         show what the agent sees of the mesh; --observe looks anew
  state [-o json]        show what the agent knows and decided
  why FROM TO [-o json]  walk the way from one node to another, as this pod sees it
  probe --cookie-file FILE TASK
                         look once at nodes in other pods, without an agent beside them;
                         'phial mesh --selector' makes a pod that does it
  version                print the version

Examples:

  kubectl exec shop-0 -c app -- /phial/bin/phial-agent ready
  kubectl exec shop-0 -c app -- /phial/bin/phial-agent mesh --observe
  kubectl exec shop-0 -c app -- /phial/bin/phial-agent drain

The agent is told what to do by its environment (PHIAL_*); verbs in the app's
container read what it was told from /var/run/phial/agent/agent.json.

Exit status: 0 yes, or done; 1 no; 2 could not do what was asked.
`

func help(c call) int {
	fmt.Fprint(c.Out, usage)
	return ok
}

func version(_ context.Context, c call) int {
	c.printf("phial-agent %s", build.String())
	return ok
}
