// Command phial runs Elixir on Kubernetes, and on a laptop as Kubernetes would,
// so that the cluster you think you have is the cluster you have.
package main

import (
	"os"

	"github.com/phialdev/phial/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
