package local

import (
	"fmt"
	"slices"
	"strings"
)

// find gives a replica by name, or an error that says which there are.
func (e *engine) find(pod string) (*replica, error) {
	all := e.all()
	for _, r := range all {
		if r.name == pod {
			return r, nil
		}
	}
	return nil, fmt.Errorf("no replica %q: there are %s", pod, e.names(len(e.serving())))
}

// introduce says once what is run of the plan, and what is not.
func (e *engine) introduce() {
	e.ignored = e.cast.ignored()
	if e.opts.App == nil {
		return // nobody has asked for anything that is left out
	}
	for _, line := range e.told {
		e.say(line)
	}
	for _, w := range e.cast.warnings() {
		e.say(e.opts.warning(w))
	}
	if len(e.ignored) > 0 {
		e.say("left to Kubernetes: " + strings.Join(e.ignored, ", "))
	}
}

// names says which replicas there are, n of them serving.
func (e *engine) names(n int) string {
	var all []string
	if n > 0 {
		all = append(all, podRange(e.net.app, n))
	}
	for _, w := range e.cast.pipelines {
		if w.replicas > 0 {
			all = append(all, podRange(w.name, w.replicas))
		}
	}
	return strings.Join(all, ", ")
}

// checkBreak refuses faults for replicas that will not be there.
func (e *engine) checkBreak() error {
	for pod, f := range e.opts.Break {
		there := slices.ContainsFunc(e.cast.all(), func(w *workload) bool {
			n, ok := ordinal(w.name, pod)
			return ok && n < w.replicas
		})
		if !there {
			e.net = e.cast.network(0)
			return fmt.Errorf("no replica %q to break: there are %s", pod, e.names(e.cast.serving.replicas))
		}
		if _, err := ParseFault(string(f)); err != nil {
			return err
		}
	}
	return nil
}
