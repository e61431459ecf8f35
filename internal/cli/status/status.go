package status

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/report"
)

// List is the JSON of `phial status`.
type List struct {
	Apps []local.Status `json:"apps"`
}

func show(ctx context.Context, s *term.IO, app instance.Flag, asJSON bool) error {
	clients, err := local.List()
	if err != nil {
		return err
	}
	if app.Name != "" {
		c, err := app.Find()
		if err != nil {
			return err
		}
		clients = []*local.Client{c}
	}
	list := List{Apps: []local.Status{}}
	for _, c := range clients {
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		list.Apps = append(list.Apps, st)
	}
	if asJSON {
		return s.WriteJSON(list)
	}
	if len(list.Apps) == 0 {
		s.Notef("no app is up; start one with `phial up DIR --detach`")
		return nil
	}
	rows := [][]string{{"REPLICA", "READY", "STATUS", "RESTARTS", "AGE", "NODE", "HTTP", "NOTE"}}
	for _, st := range list.Apps {
		for _, p := range st.Pods {
			ready, age := "no", "-"
			if p.Ready {
				ready = "yes"
			}
			if a := p.Age(time.Now()); a > 0 {
				age = report.Since(a)
			}
			why := p.Reason
			if p.Ready && p.SilentSince.IsZero() {
				why = ""
			}
			if p.Pipeline != "" && why == "" {
				why = "pipeline " + p.Pipeline
			}
			rows = append(rows, []string{p.Name, ready, string(p.Phase), strconv.Itoa(p.Restarts), age, p.Node, url(p), why})
		}
	}
	report.Table(s.Out, rows, report.Style{Colour: s.Colour, Width: s.Width})
	for _, st := range list.Apps {
		if st.URL != "" {
			s.Notef("%s", answers(st))
		}
	}
	return nil
}

// answers says where the app answers, or that nobody is there yet who does.
func answers(st local.Status) string {
	for _, p := range st.Pods {
		if p.Ready && p.Pipeline == "" {
			return fmt.Sprintf("%s answers at %s", st.Name, st.URL)
		}
	}
	return fmt.Sprintf("%s is to answer at %s, and no replica is ready to yet", st.Name, st.URL)
}

func url(p local.Pod) string {
	if p.HTTPPort == 0 {
		return "-"
	}
	return "http://" + net.JoinHostPort(p.IP, strconv.Itoa(p.HTTPPort))
}
