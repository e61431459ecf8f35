package local

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// A console works as a person uses it: on a terminal, on the replica's own
// node, also when that has another cookie than the rest.
func TestRemoteConsole(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), Replicas: 2, Break: map[string]Fault{"tally-1": FaultCookie}})
	eventually(t, "both have booted", func() error {
		for _, p := range a.status().Pods {
			if err := accepts(t.Context(), fmt.Sprintf("%s:%d", p.IP, p.HTTPPort)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, pod := range []string{"tally-0", "tally-1"} {
		r, err := a.Remote(t.Context(), pod)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), r.Path, r.Args...)
		cmd.Env = r.Env
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		var seen syncBuffer
		read := make(chan struct{})
		go func() {
			defer close(read)
			io.Copy(&seen, tty) // until the terminal is closed
		}()
		await := func(what string) {
			t.Helper()
			eventually(t, pod+" writes "+what, func() error {
				if !strings.Contains(seen.String(), what) {
					return errors.New(seen.String())
				}
				return nil
			})
		}
		await(")1>")
		fmt.Fprint(tty, "IO.puts(\"this is #{node()}, \" <> System.get_env(\"POD_NAME\"))\n")
		await("this is " + a.pod(pod).Node + ", " + pod)
		cmd.Process.Kill()
		cmd.Wait()
		tty.Close()
		<-read
	}
}
