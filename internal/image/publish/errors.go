package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// plain says in words what a person can do something about.
func plain(err error) error {
	var t *transport.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOSPC):
		return errors.New("the disk is full")
	case errors.Is(err, syscall.EROFS):
		return errors.New("the file system is read-only")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nobody answers there (connection refused)")
	case !errors.As(err, &t):
		return err
	}
	switch {
	case t.StatusCode == http.StatusUnauthorized, t.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the registry refuses (%d): log in with `docker login`, or give docker's config.json credentials that may push there", t.StatusCode)
	case t.StatusCode >= 500, t.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("the registry failed (%d), also when asked again: try later", t.StatusCode)
	}
	return err
}
