package kubetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// The lines that process 1 of a node speaks: see test/kube/cmd/node.
type (
	nodeSetup struct {
		Hostname       string
		Shared, Memory []string
	}
	nodeOrder struct {
		Name, Path string
		Args, Env  []string
		Dir, Log   string
	}
	nodeReport struct {
		Name       string
		PID        int
		End, Error string
	}
)

// process1 is the first process of a node's namespaces. They end with it, and it with this process.
type process1 struct {
	*component
	dir string

	mu      sync.Mutex // one order at a time
	in      *os.File
	orders  *json.Encoder
	answers chan nodeReport // to the setup and to orders

	childMu  sync.Mutex
	children map[string]*component
}

// startProcess1 starts it. It waits in its namespaces until it is told to go on: see furnish.
func startProcess1(program, dir string, setup nodeSetup) (*process1, error) {
	text, err := json.Marshal(setup)
	if err != nil {
		return nil, err
	}
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	out, stdout, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer stdout.Close()
	cmd := exec.Command(program, string(text)) //nolint:noctx // ended by stop
	cmd.Dir, cmd.Env = dir, environment(dir)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID,
	}
	c, err := begin("node", filepath.Join(dir, "node.log"), cmd)
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("new namespaces: %w", err)
	}
	p := &process1{
		component: c, dir: dir, in: in, orders: json.NewEncoder(in),
		answers: make(chan nodeReport), children: map[string]*component{},
	}
	go p.listen(out)
	return p, nil
}

// furnish has it take the cgroups that it was put into for its own, and make the node's mounts.
func (p *process1) furnish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.in.WriteString("\n"); err != nil {
		return p.failed("the node", err)
	}
	_, err := p.answer("the node")
	return err
}

// launch starts a program in the node.
func (p *process1) launch(name, path string, args ...string) (*component, error) {
	c := &component{name: name, log: filepath.Join(p.dir, name+".log"), done: make(chan struct{})}
	p.childMu.Lock()
	p.children[name] = c
	p.childMu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	order := nodeOrder{Name: name, Path: path, Args: append([]string{name}, args...), Env: environment(p.dir), Dir: p.dir, Log: c.log}
	if err := p.orders.Encode(order); err != nil {
		return nil, p.failed(name, err)
	}
	r, err := p.answer(name)
	c.inside = r.PID
	return c, err
}

func (p *process1) answer(what string) (nodeReport, error) {
	r, ok := <-p.answers
	switch {
	case !ok:
		return r, p.failed(what, io.ErrUnexpectedEOF)
	case r.Error != "":
		return r, fmt.Errorf("start %s: %s", what, r.Error)
	}
	return r, nil
}

// failed says why process 1 does not answer: most often it has ended.
func (p *process1) failed(what string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		<-p.done
	}
	return errors.Join(fmt.Errorf("start %s: %w", what, err), p.ended())
}

// listen takes the reports until there are no more.
func (p *process1) listen(out *os.File) {
	defer out.Close()
	defer close(p.answers)
	for reports := json.NewDecoder(out); ; {
		var r nodeReport
		if err := reports.Decode(&r); err != nil {
			return
		}
		if r.End == "" {
			p.answers <- r
			continue
		}
		p.childMu.Lock()
		c := p.children[r.Name]
		p.childMu.Unlock()
		c.err = errors.New(r.End)
		close(c.done)
	}
}
