package kubetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/phialdev/phial/internal/testkit"
)

// client speaks as whom the certificate names, and to this cluster's servers only.
func (a *authority) client(user pair) (*http.Client, error) {
	cert, err := tls.X509KeyPair(user.cert, user.key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 16,
		ForceAttemptHTTP2:   true,
	}}, nil
}

// Get gives what is at a path of the API, "/api/v1/nodes", as JSON.
func (c *Cluster) Get(ctx context.Context, path string) ([]byte, error) {
	body, _, err := c.Do(ctx, http.MethodGet, path, "", nil)
	return body, err
}

// Do asks the API server as the administrator, and gives the body of its answer. A refusal is an
// [apierrors.StatusError], which says what is wrong with which field where the server does.
func (c *Cluster) Do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, http.Header, error) {
	answer, header, err := c.request(ctx, method, c.URL+path, contentType, body)
	if end := c.Ended(); end != nil {
		return nil, nil, end
	}
	return answer, header, err
}

func (c *Cluster) request(ctx context.Context, method, url, contentType string, body []byte) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusMultipleChoices {
		return nil, nil, refusal(method, url, resp.StatusCode, answer)
	}
	return answer, resp.Header, nil
}

// refusal makes an error of an answer. Most are a Status; a path that leads nowhere answers in plain text.
func refusal(method, url string, code int, answer []byte) error {
	var status metav1.Status
	if json.Unmarshal(answer, &status) != nil || status.Kind != "Status" {
		status = metav1.Status{
			Status: metav1.StatusFailure, Code: int32(code),
			Message: fmt.Sprintf("%s %s: %s: %s", method, url, http.StatusText(code), testkit.LastLines(answer)),
		}
		if code == http.StatusNotFound {
			status.Reason = metav1.StatusReasonNotFound
		}
	}
	return &apierrors.StatusError{ErrStatus: status}
}

// resources remembers what the API server serves, by group and version.
type resources struct {
	mu    sync.Mutex
	known map[schema.GroupVersion][]metav1.APIResource
}

// errNoKind: the API server serves no such kind.
var errNoKind = errors.New("the API server knows no such kind")

// resource finds the resource that objects of a kind are kept under. What is not known is asked again: definitions are
// added while the server runs.
func (c *Cluster) resource(ctx context.Context, kind schema.GroupVersionKind) (metav1.APIResource, error) {
	c.resources.mu.Lock()
	defer c.resources.mu.Unlock()
	gv := kind.GroupVersion()
	if r, ok := find(c.resources.known[gv], kind.Kind); ok {
		return r, nil
	}
	answer, err := c.Get(ctx, groupPath(gv))
	if apierrors.IsNotFound(err) {
		return metav1.APIResource{}, fmt.Errorf("%s %s: %w", gv, kind.Kind, errNoKind)
	}
	if err != nil {
		return metav1.APIResource{}, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(answer, &list); err != nil {
		return metav1.APIResource{}, fmt.Errorf("discovery of %s: %w", gv, err)
	}
	if c.resources.known == nil {
		c.resources.known = map[schema.GroupVersion][]metav1.APIResource{}
	}
	c.resources.known[gv] = list.APIResources
	if r, ok := find(list.APIResources, kind.Kind); ok {
		return r, nil
	}
	return metav1.APIResource{}, fmt.Errorf("%s %s: %w", gv, kind.Kind, errNoKind)
}

func find(list []metav1.APIResource, kind string) (metav1.APIResource, bool) {
	for _, r := range list {
		if r.Kind == kind && !isSubresource(r.Name) {
			return r, true
		}
	}
	return metav1.APIResource{}, false
}
