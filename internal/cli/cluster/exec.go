package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/plan"
)

// What an agent may answer, and complain of, in bytes.
const (
	maxAnswer    = 32 << 20
	maxComplaint = 4 << 10
)

// agent runs a verb of the agent in its container, and gives what it prints.
func (c *Client) agent(ctx context.Context, pod string, within time.Duration, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out, errs := &bounded{most: maxAnswer, full: cancel}, &bounded{most: maxComplaint, drop: true}
	err := c.exec(ctx, pod, plan.ContainerAgent, append([]string{plan.PathAgentBin + "/" + beam.AgentBinary}, args...), out, errs)
	text, over := out.text()
	complaint, _ := errs.text()
	var code exec.CodeExitError
	switch {
	case over:
		return nil, fmt.Errorf("the agent of %s answers with more than %d MiB", pod, maxAnswer>>20)
	case errors.As(err, &code):
		said := strings.TrimPrefix(strings.TrimSpace(string(complaint)), beam.AgentBinary+": ")
		if strings.Contains(said, "there is no verb") {
			said += " (it is older than this phial)"
		}
		return nil, fmt.Errorf("the agent of %s says: %s", pod, said)
	case errors.Is(err, context.DeadlineExceeded) || err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("the agent of %s did not answer within %s", pod, within)
	case err != nil:
		return nil, c.explain(err, "ask the agent of "+pod, permission{"create", "pods/exec"})
	}
	return text, nil
}

// exec runs a command as kubectl does: over a WebSocket, and over SPDY where something
// on the way does not let that pass.
func (c *Client) exec(ctx context.Context, pod, container string, command []string, out, errs *bounded) error {
	req := c.core.Post().Namespace(c.Namespace).Resource("pods").Name(pod).SubResource("exec").
		Param("container", container).Param("stdout", "true").Param("stderr", "true")
	for _, word := range command {
		req.Param("command", word)
	}
	spdy, err := remotecommand.NewSPDYExecutor(c.config, "POST", req.URL())
	if err != nil {
		return err
	}
	socket, err := remotecommand.NewWebSocketExecutor(c.config, "GET", req.URL().String())
	if err != nil {
		return err
	}
	both, err := remotecommand.NewFallbackExecutor(socket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return err
	}
	return both.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: out, Stderr: errs})
}

// bounded keeps so many bytes. What comes after them is dropped, or ends the reading.
type bounded struct {
	most int
	drop bool
	full func()

	mu   sync.Mutex // a stream that was given up may write still
	b    bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := b.most - b.b.Len()
	if len(p) <= room {
		return b.b.Write(p)
	}
	b.b.Write(p[:room])
	if b.drop {
		return len(p), nil
	}
	b.over = true
	b.full()
	return room, errTooMuch
}

// text gives what was written, and whether there was more.
func (b *bounded) text() (text []byte, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b.Bytes()), b.over
}

var errTooMuch = errors.New("the answer is too long")
