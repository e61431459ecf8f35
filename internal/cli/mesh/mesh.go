package mesh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/report"
)

type options struct {
	json  bool
	watch bool
	every time.Duration
}

func run(ctx context.Context, s *term.IO, to *target.Flags, o options) error {
	if o.watch && o.every <= 0 {
		return errors.New("--interval must be more than nothing, for example 2s")
	}
	if o.watch {
		return watch(ctx, s, to, o)
	}
	t, err := to.Open(ctx)
	if err != nil {
		return err
	}
	rep, err := t.Look(ctx)
	if err != nil {
		return err
	}
	if o.json {
		if err := s.WriteJSON(rep); err != nil {
			return err
		}
	} else {
		report.Mesh(s.Out, rep, t.Style(s))
	}
	t.NoteAlone(s, rep)
	return verdict(rep)
}

// verdict is what the exit status says of a report.
func verdict(rep mesh.Report) error {
	if rep.Full() {
		return nil
	}
	return term.Found()
}

// watch shows the mesh again and again: on a terminal in place, otherwise one
// after the other, as JSON one document a line. It ends with Ctrl-C, and its
// status is that of the last look.
func watch(ctx context.Context, s *term.IO, to *target.Flags, o options) error {
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	var last mesh.Report
	seen := false
	for {
		var screen bytes.Buffer
		rep, err := look(ctx, s, to, o, &screen)
		switch {
		case ctx.Err() != nil:
			if !seen {
				return ctx.Err()
			}
			return verdict(last)
		case err != nil && !seen:
			return err
		case err != nil:
			fmt.Fprintf(&screen, "%s  could not look: %v\n", time.Now().Format(time.TimeOnly), err)
		default:
			last, seen = rep, true
		}
		if s.Colour && !o.json {
			fmt.Fprint(s.Out, "\x1b[H\x1b[2J")
		}
		if _, err := screen.WriteTo(s.Out); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return verdict(last)
		case <-tick.C:
		}
	}
}

// look takes one look and writes it. The target is opened anew each time: a
// local app may have been scaled since.
func look(ctx context.Context, s *term.IO, to *target.Flags, o options, w *bytes.Buffer) (mesh.Report, error) {
	t, err := to.Open(ctx)
	if err != nil {
		return mesh.Report{}, err
	}
	rep, err := t.Look(ctx)
	if err != nil {
		return rep, err
	}
	if o.json {
		return rep, json.NewEncoder(w).Encode(rep)
	}
	fmt.Fprintf(w, "%s  every %s, Ctrl-C ends\n\n", time.Now().Format(time.TimeOnly), o.every)
	report.Mesh(w, rep, t.Style(s))
	return rep, nil
}
