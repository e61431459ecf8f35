package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// Accepts tries a TCP port, for as long as ctx lets it.
func Accepts(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// prober takes an answer for what it is, as the kubelet does: a redirect is one, and a
// certificate is not looked at.
var prober = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil, DisableCompression: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // as the kubelet's
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Healthy asks an app as an httpGet probe does; 200 to 399 is a yes. The error is in words
// for people. The request's context bounds it.
func Healthy(req *http.Request) error {
	path := req.URL.RequestURI()
	resp, err := prober.Do(req)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // the rest is the address, which says little to a person
		}
		return fmt.Errorf("the app does not answer at %s: %w", path, err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) //nolint:errcheck // only the status counts
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("the app answers %d at %s", resp.StatusCode, path)
	}
	return nil
}
