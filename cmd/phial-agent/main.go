// Command phial-agent runs beside one BEAM node in its pod: it joins the node to its
// peers, keeps it out of traffic until then, and drains it before it leaves.
package main

import (
	"os"

	"github.com/phialdev/phial/internal/agent/program"
	"github.com/phialdev/phial/internal/agent/worker"
)

func main() {
	os.Exit(program.Main(os.Args[1:], program.Std{Env: os.Getenv, Out: os.Stdout, Err: os.Stderr}, worker.Run))
}
