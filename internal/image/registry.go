package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/phialdev/phial/internal/host"
)

// Remote are the options for asking registries: the credentials and helpers of docker's
// configuration, retries, a name.
func Remote(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithUserAgent("phial"),
		remote.WithJobs(4),
	}
}

// Reason says in words what a registry, or the machine, has against a request, where a
// person can do something about it.
func Reason(err error) error {
	var t *transport.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case !errors.As(err, &t):
		return host.Plain(err)
	}
	switch {
	case t.StatusCode == http.StatusUnauthorized, t.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the registry refuses (%d): log in with `docker login`, or give docker's config.json credentials that are good for this", t.StatusCode)
	case t.StatusCode == http.StatusNotFound:
		return errors.New("the registry does not know it (404)")
	case t.StatusCode >= 500, t.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("the registry failed (%d), also when asked again: try later", t.StatusCode)
	}
	return err
}
