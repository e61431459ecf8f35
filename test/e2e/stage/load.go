package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/test/e2e/ingress"
	"github.com/phialdev/phial/test/e2e/load"
)

// IngressHost is the host name by which the ingress knows the app of a namespace.
func IngressHost(namespace string) string { return namespace + ".test" }

// loadPod runs the load generator. It is a pod of its own in a namespace of its own.
const loadPod = `apiVersion: v1
kind: Pod
metadata: {name: load, namespace: %q, labels: {app: load}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 40
  enableServiceLinks: false
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: load
    image: localhost/load:e2e
    imagePullPolicy: Never
    args: [%s]
    resources: {requests: {cpu: 100m, memory: 64Mi}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`

// Ingress starts the ingress controller, and makes the load generator's image.
func (s *Stage) Ingress(ctx context.Context) error {
	program, err := ingress.Prepare(ctx, os.Stderr)
	if err != nil {
		return err
	}
	const image = "localhost/" + ingress.Name + ":1"
	var tarball bytes.Buffer
	if err := kubetest.WriteImage(&tarball, image, program.Path); err != nil {
		return err
	}
	if err := s.Import(ctx, &tarball); err != nil {
		return err
	}
	if err := s.Program(ctx, "load", "./test/e2e/load/cmd/load"); err != nil {
		return err
	}
	text, err := ingress.Manifest("ingress", image)
	if err != nil {
		return err
	}
	if err := s.Namespace(ctx, "ingress"); err != nil {
		return err
	}
	if _, _, err := s.Kubectl(ctx, text, "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	_, _, err = s.Kubectl(ctx, nil, "rollout", "status", "-n", "ingress", "deployment/"+ingress.Name, "--timeout=2m")
	return err
}

// Load is a load generator that runs.
type Load struct {
	*Stage
	namespace string
}

// StartLoad sends requests to a Service and through the ingress, from another pod.
//
// Through the ingress POSTs have no body: this one cuts the answer to a few of a hundred
// quick POSTs that have one, rollout or not. Its transport may still read the end of the
// body when its server, which has begun to answer, closes it.
func (s *Stage) StartLoad(ctx context.Context, service, namespace string, args ...string) (*Load, error) {
	l := &Load{s, namespace + "-load"}
	if err := s.Namespace(ctx, l.namespace); err != nil {
		return nil, err
	}
	if err := s.routed(ctx, namespace); err != nil {
		return nil, err
	}
	args = append([]string{
		"-url", fmt.Sprintf("http://%s.%s.svc.cluster.local:80,name=service", service, namespace),
		"-url", fmt.Sprintf("http://%s.ingress.svc.cluster.local:80,host=%s,bare=yes,name=ingress", ingress.Name, IngressHost(namespace)),
		"-slow-path", "/slow?ms={ms}", "-slow-post", "0",
	}, args...)
	for i, a := range args {
		args[i] = fmt.Sprintf("%q", a)
	}
	text := fmt.Sprintf(loadPod, l.namespace, strings.Join(args, ", "))
	if _, _, err := s.Kubectl(ctx, []byte(text), "apply", "--server-side", "-f", "-"); err != nil {
		return nil, err
	}
	_, _, err := s.Kubectl(ctx, nil, "wait", "-n", l.namespace, "pod/load", "--for=condition=Ready", "--timeout=1m")
	return l, err
}

// routed waits until the ingress, which looks every few seconds, knows the app of a
// namespace.
func (s *Stage) routed(ctx context.Context, namespace string) error {
	ip, _, err := s.Kubectl(ctx, nil, "get", "service", ingress.Name, "-n", "ingress", "-o", "jsonpath={.spec.clusterIP}")
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return Await(ctx, 30*time.Second, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(string(ip), strconv.Itoa(ingress.Port))+"/", nil)
		if err != nil {
			return err
		}
		req.Host = IngressHost(namespace)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the ingress answers %s for %s", resp.Status, req.Host)
		}
		return nil
	})
}

// Stop ends the sending, waits for what is in flight, and gives what became of it.
func (l *Load) Stop(ctx context.Context) (load.Report, error) {
	pid, err := l.ContainerPID(ctx, l.namespace, "load", "load")
	if err != nil {
		return load.Report{}, errors.Join(err, errors.New("the load generator does not run"))
	}
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(os.Interrupt)
	}
	if err != nil {
		return load.Report{}, err
	}
	if err := Await(ctx, time.Minute, func(ctx context.Context) error {
		phase, _, err := l.Kubectl(ctx, nil, "get", "pod", "load", "-n", l.namespace, "-o", "jsonpath={.status.phase}")
		if err == nil && string(phase) != "Succeeded" && string(phase) != "Failed" {
			err = fmt.Errorf("the load generator is still %s", phase)
		}
		return err
	}); err != nil {
		return load.Report{}, err
	}
	text, _, err := l.Kubectl(ctx, nil, "logs", "load", "-n", l.namespace)
	if err != nil {
		return load.Report{}, err
	}
	return load.ReadReport(text)
}

// Remove takes the load generator away.
func (l *Load) Remove(ctx context.Context) error {
	_, _, err := l.Kubectl(ctx, nil, "delete", "namespace", l.namespace, "--wait=false")
	return err
}

// WriteReport says in lines what a run came to.
func WriteReport(w io.Writer, r load.Report) {
	fmt.Fprintf(w, "%d requests in %.0f s, %d failed; apart: %d of %d on idle and long-lived connections failed; the generator was late by %.0f ms at most\n",
		r.Sent, r.Seconds, r.Failed, r.Apart.Failed, r.Apart.Sent, r.LateMS)
	for _, t := range r.Targets {
		for class, c := range t.Classes {
			fmt.Fprintf(w, "  %s %s: %d sent, %d failed %v, %d asked to close, %d closed between; p99 %.0f ms, max %.0f ms; opened again in %d different seconds\n",
				t.Name, class, c.Sent, c.Failed, c.Kinds, c.AskedClose, c.Closed, c.MS.P99, c.MS.Max, len(c.Reopened))
		}
	}
	for i, e := range r.Examples {
		if i == 10 {
			break
		}
		fmt.Fprintf(w, "  %s\n", e)
	}
}
