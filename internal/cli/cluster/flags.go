// Package cluster looks at apps on Kubernetes: by the agents in their pods, and where
// there are none by a pod that is made for one look. It is the command line's Kubernetes
// client.
package cluster

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Flags say which cluster, namespace and app is meant. Their defaults are kubectl's.
type Flags struct {
	Namespace  string
	Context    string
	Kubeconfig string
	App        string
}

// Add adds them to a command.
func (f *Flags) Add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.Namespace, "namespace", "n", "", "look at an app on Kubernetes, in this namespace (default that of the context)")
	fl.StringVar(&f.Context, "context", "", "look at an app on Kubernetes, by this context of the kubeconfig (default the current one)")
	fl.StringVar(&f.Kubeconfig, "kubeconfig", "", "look at an app on Kubernetes, by this file (default $KUBECONFIG, ~/.kube/config, then the pod's own account)")
	fl.StringVar(&f.App, "app", "", "which app on Kubernetes (default the only one in the namespace)")
	_ = cmd.MarkFlagFilename("kubeconfig")
	// The flags were just made, so these cannot fail.
	_ = cmd.RegisterFlagCompletionFunc("namespace", f.complete(func(ctx context.Context, c *Client) ([]string, error) { return c.namespaces(ctx) }))
	_ = cmd.RegisterFlagCompletionFunc("app", f.complete(func(ctx context.Context, c *Client) ([]string, error) { return c.apps(ctx) }))
	_ = cmd.RegisterFlagCompletionFunc("context", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		raw, err := f.loader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(maps.Keys(raw.Contexts)), cobra.ShellCompDirectiveNoFileComp
	})
}

// Given says whether any of the flags was.
func (f *Flags) Given() bool { return *f != Flags{} }

// Plugin says whether this program runs as kubectl's: then Kubernetes is what is meant
// where nothing else is said.
func Plugin() bool {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	return name == "kubectl-phial"
}

// completeWithin is what a person waits for at the Tab key.
const completeWithin = 2 * time.Second

// complete asks the cluster, and says nothing where that fails.
func (f *Flags) complete(ask func(context.Context, *Client) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f.silently(cmd.Context(), ask), cobra.ShellCompDirectiveNoFileComp
	}
}

func (f *Flags) silently(ctx context.Context, ask func(context.Context, *Client) ([]string, error)) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, err := f.Connect()
	if err != nil {
		return nil
	}
	all, err := ask(ctx, c)
	if err != nil {
		return nil
	}
	return all
}

// CompletePods gives the names of the app's pods, for completion.
func (f *Flags) CompletePods(ctx context.Context) []string {
	return f.silently(ctx, func(ctx context.Context, c *Client) ([]string, error) {
		a, err := c.Open(ctx, f.App)
		if err != nil {
			return nil, err
		}
		return a.names(), nil
	})
}

// Open connects and finds the app that is meant.
func (f *Flags) Open(ctx context.Context) (*App, error) {
	c, err := f.Connect()
	if err != nil {
		return nil, err
	}
	return c.Open(ctx, f.App)
}

var errNoConfig = errors.New("there is no cluster to look at: no kubeconfig in $KUBECONFIG or ~/.kube/config, and this is no pod; give one with --kubeconfig")
