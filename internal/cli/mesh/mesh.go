package mesh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/phialdev/phial/internal/cli/cluster"
	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/report"
)

type options struct {
	foreign cluster.Foreign // with a selector: pods that Phial did not deploy

	json  bool
	watch bool
	every time.Duration
}

func run(ctx context.Context, s *term.IO, to *target.Flags, o options) error {
	if o.watch && o.every <= 0 {
		return errors.New("--interval must be more than nothing, for example 2s")
	}
	if err := o.check(); err != nil {
		return err
	}
	if o.watch {
		return watch(ctx, s, to, o)
	}
	rep, t, err := see(ctx, s, to, o)
	if err != nil {
		return err
	}
	if o.json {
		if err := s.WriteJSON(rep); err != nil {
			return err
		}
	} else {
		report.Replicas(s.Out, rep, t.Style(s))
	}
	t.NoteAlone(s, rep.Report)
	return verdict(rep)
}

// check refuses flags that do not go together.
func (o options) check() error {
	f := o.foreign
	switch {
	case f.Selector == "" && (f.Cookie != "" || f.Image != "" || f.Base != "" || f.Template != ""):
		return errors.New("--cookie-secret, --agent-image, --base and --node-template go with --selector, which says which pods to look at")
	case f.Selector != "" && o.watch:
		return errors.New("--watch does not go with --selector: each look would make a pod")
	}
	return nil
}

// see takes one look. The target is opened anew each time: an app may have been scaled
// since.
func see(ctx context.Context, s *term.IO, to *target.Flags, o options) (report.Sight, *target.Target, error) {
	if o.foreign.Selector != "" {
		return to.Foreign(ctx, s, o.foreign)
	}
	t, err := to.Open(ctx)
	if err != nil {
		return report.Sight{}, nil, err
	}
	rep, err := t.See(ctx)
	return rep, t, err
}

// verdict is what the exit status says of a report.
func verdict(rep report.Sight) error {
	if rep.Good() {
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
	var last report.Sight
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

// look takes one look and writes it.
func look(ctx context.Context, s *term.IO, to *target.Flags, o options, w *bytes.Buffer) (report.Sight, error) {
	rep, t, err := see(ctx, s, to, o)
	if err != nil {
		return rep, err
	}
	if o.json {
		return rep, json.NewEncoder(w).Encode(rep)
	}
	fmt.Fprintf(w, "%s  every %s, Ctrl-C ends\n\n", time.Now().Format(time.TimeOnly), o.every)
	report.Replicas(w, rep, t.Style(s))
	return rep, nil
}
