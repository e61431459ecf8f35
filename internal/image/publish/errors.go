package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/phialdev/phial/internal/host"
)

// plain says in words what a person can do something about.
func plain(err error) error {
	var t *transport.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case !errors.As(err, &t):
		return host.Plain(err)
	}
	switch {
	case t.StatusCode == http.StatusUnauthorized, t.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the registry refuses (%d): log in with `docker login`, or give docker's config.json credentials that may push there", t.StatusCode)
	case t.StatusCode >= 500, t.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("the registry failed (%d), also when asked again: try later", t.StatusCode)
	}
	return err
}
