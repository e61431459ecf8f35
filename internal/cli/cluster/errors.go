package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// permission is what a Role has to allow.
type permission struct{ verb, resource string }

// explain says what went wrong when something was asked of the API server, and what to do
// about it. doing is "list the pods".
func (c *Client) explain(err error, doing string, need permission) error {
	text := err.Error()
	var unknown x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var outdated x509.CertificateInvalidError
	var dial *net.OpError
	var u *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case apierrors.IsUnauthorized(err), strings.Contains(text, "401 Unauthorized"):
		return fmt.Errorf("the API server at %s does not take the credentials of %s: they may have expired, or are for another cluster; log in again", c.config.Host, c.source())
	case apierrors.IsForbidden(err), strings.Contains(text, "is forbidden: User"):
		return fmt.Errorf("could not %s: %s is not allowed to; it takes a Role in namespace %s with the verb %q on %q",
			doing, user(text), c.Namespace, need.verb, need.resource)
	case strings.Contains(text, "getting credentials"):
		return fmt.Errorf("the credentials of %s could not be had: %w", c.source(), plain(err))
	case errors.As(err, &unknown), errors.As(err, &wrongHost), errors.As(err, &outdated):
		return fmt.Errorf("the API server at %s does not show the certificate that %s expects: %w", c.config.Host, c.source(), plain(err))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("could not %s: the API server at %s did not answer in time", doing, c.config.Host)
	case errors.As(err, &dial), errors.As(err, &u):
		return fmt.Errorf("the API server at %s cannot be reached: %w; is %s the right one?", c.config.Host, plain(err), c.source())
	}
	return fmt.Errorf("could not %s: %w", doing, plain(err))
}

// source names where the credentials came from.
func (c *Client) source() string {
	if c.context == "" {
		return "this pod's account"
	}
	return fmt.Sprintf("the context %q", c.context)
}

// user finds in a refusal who was refused.
func user(refusal string) string {
	_, rest, found := strings.Cut(refusal, `User "`)
	name, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		return "the user"
	}
	return name
}

// plain leaves out the request, of which the line speaks already.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
