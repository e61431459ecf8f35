package kubetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/phialdev/phial/internal/testkit"
)

// Definitions gives a YAML stream of CustomResourceDefinitions.
type Definitions func(ctx context.Context) ([]byte, error)

// foreign are definitions that their makers ship inside their Go modules. Requiring such a module would drag its own
// Kubernetes into ours, so only its files are fetched, checked by sum, and kept in the cache.
type foreign struct {
	name                 string   // in the cache
	module, version, sum string   // as go.sum would have them
	files                []string // patterns below the module's root
}

var (
	gatewayAPI = foreign{
		"gateway-api", "sigs.k8s.io/gateway-api", "v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
		[]string{"config/crd/standard/gateway.networking.k8s.io_*.yaml"},
	}
	keda = foreign{
		"keda", "github.com/kedacore/keda/v2", "v2.21.0", "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
		[]string{"config/crd/bases/keda.sh_scaledobjects.yaml", "config/crd/bases/keda.sh_*triggerauthentications.yaml"},
	}
)

// GatewayAPI are the definitions of the Gateway API's standard channel: HTTPRoute and its relatives.
func GatewayAPI(ctx context.Context) ([]byte, error) { return gatewayAPI.read(ctx) }

// KEDA are the definitions of ScaledObject and the TriggerAuthentications.
func KEDA(ctx context.Context) ([]byte, error) { return keda.read(ctx) }

// DefinitionFiles reads files of the checkout by pattern, "deploy/crd/phial.dev_*.yaml"; that none matches is an error.
func DefinitionFiles(pattern string) Definitions {
	return func(context.Context) ([]byte, error) {
		dir, err := testkit.Checkout(path.Dir(pattern))
		if err != nil {
			return nil, err
		}
		return readAll(filepath.Join(dir, path.Base(pattern)))
	}
}

// read gives the files of the definitions, from the cache or else from the module proxy.
func (f foreign) read(ctx context.Context) ([]byte, error) {
	cache, err := testkit.CacheDir()
	if err != nil {
		return nil, err
	}
	key := testkit.Key(append([]string{f.module, f.version, f.sum}, f.files...)...)
	dir := filepath.Join(cache, "crds", f.name+"-"+key)
	if err := testkit.Once(dir, os.RemoveAll, func(tmp string) error { return f.fetch(ctx, tmp) }); err != nil {
		return nil, fmt.Errorf("definitions of %s: %w", f.module, err)
	}
	return readAll(filepath.Join(dir, "*.yaml"))
}

func (f foreign) fetch(ctx context.Context, dir string) error {
	// In a directory of no module: this is nobody's requirement.
	out, err := testkit.Go(ctx, dir, "mod", "download", "-json", f.module+"@"+f.version)
	if err != nil {
		return err
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("go mod download: %w", err)
	}
	if got.Sum != f.sum {
		return fmt.Errorf("%s %s has checksum %s, and %s is what it had before: don't trust it", f.module, f.version, got.Sum, f.sum)
	}
	for _, pattern := range f.files {
		names, err := filepath.Glob(filepath.Join(got.Dir, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			return fmt.Errorf("%s %s holds no %s", f.module, f.version, pattern)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if !bytes.Contains(content, []byte("\nkind: CustomResourceDefinition\n")) {
				continue // policies that guard definitions stand beside them
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// readAll makes one YAML stream of the files that match.
func readAll(pattern string) ([]byte, error) {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no file is called %s", pattern)
	}
	var stream bytes.Buffer
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&stream, "---\n%s\n", content)
	}
	return stream.Bytes(), nil
}

// definition is what of a CustomResourceDefinition matters here.
type definition struct {
	Spec struct {
		Group    string
		Names    struct{ Plural string }
		Versions []struct {
			Name   string
			Served bool
		}
	}
	Status struct {
		Conditions []struct{ Type, Status, Message string }
	}
}

// InstallCRDs installs definitions and waits until objects of theirs can be applied. Those that are there are updated.
func (c *Cluster) InstallCRDs(ctx context.Context, sources ...Definitions) error {
	var installed []Applied
	for _, source := range sources {
		stream, err := source(ctx)
		if err != nil {
			return err
		}
		a, err := c.Apply(ctx, stream, false)
		if err != nil {
			return err
		}
		installed = append(installed, a...)
	}
	for _, a := range installed {
		if err := c.established(ctx, a); err != nil {
			return fmt.Errorf("CustomResourceDefinition %s: %w", a.Name, err)
		}
	}
	return nil
}

// established waits until a definition is in force, and then until the server answers for each of its versions: one
// comes a moment after the other.
func (c *Cluster) established(ctx context.Context, a Applied) error {
	var crd definition
	err := testkit.Poll(ctx, func() (bool, error) {
		answer, err := c.Get(ctx, a.path)
		if err != nil {
			return true, err
		}
		crd = definition{}
		if err := json.Unmarshal(answer, &crd); err != nil {
			return true, err
		}
		for _, cond := range crd.Status.Conditions {
			switch {
			case cond.Type == "Established" && cond.Status == "True":
				return true, nil
			case cond.Type == "NamesAccepted" && cond.Status == "False":
				return true, fmt.Errorf("its names are not accepted: %s", cond.Message)
			}
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, v := range crd.Spec.Versions {
		if !v.Served {
			continue
		}
		at := groupPath(schema.GroupVersion{Group: crd.Spec.Group, Version: v.Name})
		err := testkit.Poll(ctx, func() (bool, error) {
			_, err := c.Get(ctx, at+"/"+crd.Spec.Names.Plural+"?limit=1")
			if apierrors.IsNotFound(err) {
				return false, err
			}
			if err == nil {
				err = c.discovered(ctx, at, crd.Spec.Names.Plural)
				return err == nil, err
			}
			return true, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// discovered tells whether discovery names a resource, which Apply and kubectl go by.
func (c *Cluster) discovered(ctx context.Context, group, plural string) error {
	answer, _, err := c.Do(ctx, http.MethodGet, group, "", nil)
	if err != nil {
		return err
	}
	var list struct{ Resources []struct{ Name string } }
	if err := json.Unmarshal(answer, &list); err != nil {
		return err
	}
	if !slices.ContainsFunc(list.Resources, func(r struct{ Name string }) bool { return r.Name == plural }) {
		return fmt.Errorf("%s is not among the resources of %s yet", plural, group)
	}
	return nil
}
