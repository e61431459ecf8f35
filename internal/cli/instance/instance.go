// Package instance is what the verbs share that speak to a running local
// engine: the flag --name, which engine is meant, and completion of its names.
package instance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/engine/local"
)

// Flag is --name, which says which of several apps is meant.
type Flag struct{ Name string }

// Add adds the flag to a command.
func (f *Flag) Add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Name, "name", "", "the app, where several are up (see phial status)")
	_ = cmd.RegisterFlagCompletionFunc("name", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		all, err := local.List()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for _, c := range all {
			names = append(names, c.Name())
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// Find gives the app that is meant, or one line that says what to do.
func (f *Flag) Find() (*local.Client, error) {
	c, err := local.Find(f.Name)
	if errors.Is(err, local.ErrNotRunning) {
		return nil, fmt.Errorf("%w; start one with `phial up DIR --detach`", err)
	}
	return c, err
}

// ForArgs gives the replica that optional arguments [POD] name, empty for every
// one, and its app.
func (f *Flag) ForArgs(args []string) (c *local.Client, pod string, err error) {
	if len(args) == 1 {
		pod = args[0]
	}
	c, err = f.ForPod(pod)
	return c, pod, err
}

// ForPod gives the app that has that replica: the one meant by --name, or the
// only one with a replica of that name.
func (f *Flag) ForPod(pod string) (*local.Client, error) {
	if f.Name == "" {
		if all, err := local.List(); err == nil && len(all) > 1 {
			for _, c := range all {
				if base, _, ok := cutOrdinal(pod); ok && base == c.Name() {
					return c, nil
				}
			}
		}
	}
	return f.Find()
}

// NoPod is the error of a replica that an app does not have.
func NoPod(st local.Status, pod string) error {
	names := make([]string, 0, len(st.Pods))
	for _, p := range st.Pods {
		names = append(names, p.Name)
	}
	return fmt.Errorf("no replica %q in %s: there are %s", pod, st.Name, strings.Join(names, ", "))
}

func cutOrdinal(pod string) (base, n string, ok bool) {
	i := strings.LastIndexByte(pod, '-')
	if i < 0 {
		return "", "", false
	}
	return pod[:i], pod[i+1:], true
}

// CompletePods completes replica names as the first `most` arguments.
func (f *Flag) CompletePods(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f.pods(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

func (f *Flag) pods(ctx context.Context) []cobra.Completion {
	c, err := local.Find(f.Name)
	if err != nil {
		return nil
	}
	st, err := c.Status(ctx)
	if err != nil {
		return nil
	}
	var names []cobra.Completion
	for _, p := range st.Pods {
		names = append(names, cobra.CompletionWithDesc(p.Name, string(p.Phase)))
	}
	return names
}
