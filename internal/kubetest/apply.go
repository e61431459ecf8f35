package kubetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Applied is an object as the API server took it.
type Applied struct {
	schema.GroupVersionKind
	Namespace       string // empty where the kind has none
	Name            string
	ResourceVersion string   // stays the same where applying changed nothing
	Warnings        []string // what the API server warned of: deprecations, unknown things it let pass
	Object          []byte   // the whole object as JSON, with the server's defaults

	path string
}

// FieldManager is who fields belong to that Apply sets.
const FieldManager = "kubetest"

// Apply has the API server take each object of a YAML stream by server-side apply, in the order of the stream, as
// "kubectl apply --server-side" would: unknown fields are refused, and so is what belongs to another manager. The
// documents go to the server as they are. With dryRun everything is judged and nothing is kept.
//
// It ends at the first object that is refused and says which, wrapping the server's [apierrors.StatusError]; what was
// applied before is in the list.
func (c *Cluster) Apply(ctx context.Context, stream []byte, dryRun bool) ([]Applied, error) {
	documents, err := split(stream)
	if err != nil {
		return nil, err
	}
	var all []Applied
	for _, d := range documents {
		a, err := c.applyOne(ctx, d, dryRun)
		if err != nil {
			return all, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (c *Cluster) applyOne(ctx context.Context, document []byte, dryRun bool) (Applied, error) {
	var head metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(document, &head); err != nil {
		return Applied{}, fmt.Errorf("apply: %w", err)
	}
	kind := head.GroupVersionKind()
	label := strings.TrimPrefix(head.Namespace+"/"+head.Name, "/")
	if head.Name == "" || head.Kind == "" || head.APIVersion == "" {
		return Applied{}, fmt.Errorf("apply %s %s: an object needs apiVersion, kind and metadata.name", head.Kind, label)
	}
	r, err := c.resource(ctx, kind)
	if err != nil {
		return Applied{}, fmt.Errorf("apply %s %s: %w", head.Kind, label, err)
	}
	a := Applied{GroupVersionKind: kind, Name: head.Name}
	a.path = groupPath(kind.GroupVersion())
	if r.Namespaced {
		a.Namespace = head.Namespace
		if a.Namespace == "" {
			a.Namespace = metav1.NamespaceDefault
		}
		a.path += "/namespaces/" + url.PathEscape(a.Namespace)
	}
	a.path += "/" + r.Name + "/" + url.PathEscape(a.Name)
	query := url.Values{"fieldManager": {FieldManager}, "fieldValidation": {metav1.FieldValidationStrict}}
	if dryRun {
		query.Set("dryRun", metav1.DryRunAll)
	}
	answer, header, err := c.Do(ctx, http.MethodPatch, a.path+"?"+query.Encode(), "application/apply-patch+yaml", document)
	if err != nil {
		return Applied{}, fmt.Errorf("apply %s %s: %w", head.Kind, label, err)
	}
	var kept metav1.PartialObjectMetadata
	if err := json.Unmarshal(answer, &kept); err != nil {
		return Applied{}, fmt.Errorf("apply %s %s: the answer: %w", head.Kind, label, err)
	}
	a.ResourceVersion, a.Object, a.Warnings = kept.ResourceVersion, answer, header.Values("Warning")
	return a, nil
}

// Delete removes what was applied, last first. What is gone already is no error. Without [Controllers] nobody collects
// what a deleted object owns, and a Namespace never goes.
func (c *Cluster) Delete(ctx context.Context, objects []Applied) error {
	var all []error
	for _, a := range slices.Backward(objects) {
		_, _, err := c.Do(ctx, http.MethodDelete, a.path, "", nil)
		if err != nil && !apierrors.IsNotFound(err) {
			all = append(all, fmt.Errorf("delete %s %s: %w", a.Kind, a.Name, err))
		}
	}
	return errors.Join(all...)
}

// Namespace makes sure that there is a namespace of that name.
func (c *Cluster) Namespace(ctx context.Context, name string) error {
	_, err := c.Apply(ctx, fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %q}\n", name), false)
	return err
}

// split gives the documents of a YAML stream, as kubectl tells them apart, without those that hold only comments.
func split(stream []byte) ([][]byte, error) {
	var all [][]byte
	for r := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream))); ; {
		document, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		var content any
		if err := yaml.Unmarshal(document, &content); err != nil {
			return nil, fmt.Errorf("document %d of the YAML stream: %w", len(all)+1, err)
		}
		if content != nil {
			all = append(all, document)
		}
	}
}

// groupPath is where a group's version is in the API: that without a name is older than groups.
func groupPath(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}

func isSubresource(resource string) bool { return strings.Contains(resource, "/") }
