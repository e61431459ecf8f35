package drain

import (
	"fmt"
	"strings"
	"time"
)

// String is a step that has ended, for people.
func (s Step) String() string {
	line := s.title() + fmt.Sprintf(": %s after %v", s.Outcome, time.Duration(s.TookMS)*time.Millisecond)
	if s.Before > 0 {
		line += fmt.Sprintf(", %d of %d left", s.After, s.Before)
	}
	for _, more := range []string{s.Detail, s.Error} {
		if more != "" {
			line += ": " + more
		}
	}
	return line
}

func (s Step) title() string {
	if s.Subject == "" {
		return s.Name
	}
	return s.Name + " " + s.Subject
}

// String is what is waited for, for people.
func (w Work) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{w.Requests, "request"}, {w.Jobs, "job"}, {w.Pipelines, "pipeline"}, {w.Drainers, "socket drainer"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.what)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	line := strings.Join(parts, ", ") + " in flight"
	if w.Unknown {
		line += ", as far as could be counted"
	}
	return line
}

// String is an event for people: what a step came to, what is in flight, or what begins.
func (e Event) String() string {
	switch {
	case e.Phase == Ended:
		return e.Step.String()
	case e.Work != nil:
		return fmt.Sprintf("%s; %d connections open", e.Work, e.Work.Connections)
	}
	return e.Step.title()
}
