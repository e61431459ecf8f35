package cluster

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	_ "k8s.io/client-go/plugin/pkg/client/auth/oidc" // for kubeconfigs that name it
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/phialdev/phial/internal/plan"
)

// Client asks one API server about one namespace. It knows of core/v1 alone: all that
// client-go knows would make this program larger and slower to start.
type Client struct {
	Namespace string
	context   string // of the kubeconfig; empty: the pod's own account
	config    *rest.Config
	core      rest.Interface
	agents    asker
}

// asker runs a verb of the agent in a pod, and gives what it prints.
type asker func(ctx context.Context, pod string, within time.Duration, args ...string) ([]byte, error)

// Bounds of what is asked.
const (
	askWithin = 15 * time.Second // an answer of the API server's
	pageSize  = 500
	maxPods   = 2000
)

// codecs knows core/v1. It is made when it is first needed.
var codecs = sync.OnceValue(func() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	// They fail where a type is added twice, and this is the only place that adds any.
	if err := corev1.AddToScheme(scheme); err != nil {
		panic(err)
	}
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	return serializer.NewCodecFactory(scheme)
})

// loader reads the kubeconfig as kubectl does.
func (f *Flags) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.Kubeconfig
	over := &clientcmd.ConfigOverrides{CurrentContext: f.Context}
	over.Context.Namespace = f.Namespace
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, over)
}

// silence ends what client-go logs: what it has to say comes as an error, too.
var silence = sync.OnceFunc(func() { klog.SetLogger(logr.Discard()) })

// Connect makes a client of what the flags say. It asks nobody yet.
func (f *Flags) Connect() (*Client, error) {
	silence()
	loader := f.loader()
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, f.configError(loader, err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, f.configError(loader, err)
	}
	name := f.Context
	if raw, err := loader.RawConfig(); err == nil && name == "" {
		name = raw.CurrentContext
	}
	return newClient(config, namespace, name)
}

func newClient(config *rest.Config, namespace, contextName string) (*Client, error) {
	config = rest.CopyConfig(config)
	gv := corev1.SchemeGroupVersion
	config.GroupVersion, config.APIPath = &gv, "/api"
	config.NegotiatedSerializer = codecs().WithoutConversion()
	config.UserAgent = "phial"
	config.QPS = -1 // a person asks, a few times
	config.WarningHandler = rest.NoWarnings{}
	core, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig cannot be used: %w", err)
	}
	c := &Client{Namespace: namespace, context: contextName, config: config, core: core}
	c.agents = c.agent
	return c, nil
}

// configError says what is wrong with a kubeconfig.
func (f *Flags) configError(loader clientcmd.ClientConfig, err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return noConfig(os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	}
	if raw, rawErr := loader.RawConfig(); rawErr == nil && f.Context != "" && raw.Contexts[f.Context] == nil {
		return fmt.Errorf("the kubeconfig has no context %q; there are %s", f.Context, some(slices.Sorted(maps.Keys(raw.Contexts))))
	}
	return fmt.Errorf("the kubeconfig cannot be used: %w", err)
}

// noConfig names the files that were looked for, where $KUBECONFIG names any.
func noConfig(env string) error {
	var missing []string
	for _, file := range filepath.SplitList(env) {
		if _, err := os.Stat(file); file != "" && err != nil {
			missing = append(missing, file)
		}
	}
	switch len(missing) {
	case 0:
		return errNoConfig
	case 1:
		return fmt.Errorf("there is no cluster to look at: $KUBECONFIG names %s, which is not there; give another file with --kubeconfig", missing[0])
	}
	return fmt.Errorf("there is no cluster to look at: $KUBECONFIG names %s, which are not there; give another file with --kubeconfig", some(missing))
}

// some puts names in a line, the first of them where there are many.
func some(names []string) string {
	const most = 10
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// list gives the pods that have these labels.
func (c *Client) list(ctx context.Context, selector string) ([]corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var all []corev1.Pod
	for next := ""; ; {
		var page corev1.PodList
		req := c.core.Get().Namespace(c.Namespace).Resource("pods").Param("labelSelector", selector).Param("limit", strconv.Itoa(pageSize))
		if next != "" {
			req.Param("continue", next)
		}
		if err := req.Do(ctx).Into(&page); err != nil {
			return nil, c.explain(err, "list the pods", permission{"list", "pods"})
		}
		all = append(all, page.Items...)
		if next = page.Continue; next == "" {
			return all, nil
		}
		if len(all) >= maxPods {
			return nil, fmt.Errorf("namespace %s has more than %d such pods, which is more than can be looked at together", c.Namespace, maxPods)
		}
	}
}

// namespaces gives the names of all namespaces.
func (c *Client) namespaces(ctx context.Context) ([]string, error) {
	var list corev1.NamespaceList
	if err := c.core.Get().Resource("namespaces").Param("limit", strconv.Itoa(pageSize)).Do(ctx).Into(&list); err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names, nil
}

// Labels of the pods that Phial deployed to serve.
const ofPhial = plan.LabelManagedBy + "=" + plan.ManagedBy + "," + plan.LabelComponent + "=" + plan.ComponentNode

// apps gives the names of the apps in the namespace that have pods.
func (c *Client) apps(ctx context.Context) ([]string, error) {
	pods, err := c.list(ctx, ofPhial)
	if err != nil {
		return nil, err
	}
	return appsOf(pods), nil
}

func appsOf(pods []corev1.Pod) []string {
	names := map[string]bool{}
	for i := range pods {
		names[pods[i].Labels[plan.LabelName]] = true
	}
	return slices.Sorted(maps.Keys(names))
}
