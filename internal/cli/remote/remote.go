package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/mattn/go-isatty"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

func open(ctx context.Context, s *term.IO, c *local.Client, pod string, args []string) error {
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if _, ok := st.Pod(pod); !ok {
		return instance.NoPod(st, pod)
	}
	if len(args) == 0 && (!terminal(s.In) || !terminal(s.Out)) {
		// Without a terminal IEx opens on a throw-away node of its own, and
		// says nothing about it.
		return errors.New("a console needs a terminal for its input and output; for one expression use `phial remote " + pod + " -- rpc EXPRESSION`")
	}
	r, err := c.Remote(ctx, pod, args...)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), r.Path, r.Args...) // Ctrl-C belongs to the console
	cmd.Env = r.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.In, s.Out, s.Err
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return &term.ExitError{Code: exit.ExitCode()}
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", r, err)
	}
	return nil
}

func terminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
