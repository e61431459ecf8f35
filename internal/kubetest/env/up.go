package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/testkit"
)

// up starts it unless it runs, installs the definitions, and writes what a shell needs.
func up(ctx context.Context, p place, out io.Writer) error {
	unlock, err := p.changing()
	if err != nil {
		return err
	}
	defer unlock()
	programs, err := kubetest.Prepare(ctx, os.Stderr)
	if err != nil {
		return err
	}
	w, runs, err := p.running()
	if err != nil {
		return err
	}
	if runs && w.Programs != programs.Dir {
		p.tell("the one that runs is of another build, and ends")
		if err := p.end(ctx, w); err != nil {
			return err
		}
		runs = false
	}
	if !runs {
		p.tell("starting Kubernetes " + programs.Version)
		if w, err = p.start(ctx); err != nil {
			return err
		}
	}
	if err := install(ctx, w); err != nil {
		return err
	}
	pods := "no pod will run"
	if p.node {
		pods = "pods run, of images that \"ctr images import\" brings in"
	}
	p.tell(fmt.Sprintf("Kubernetes %s runs, and knows BeamApp, the Gateway API and KEDA; %s. \"make %s\" stops it.", programs.Version, pods, p.down))
	fmt.Fprintf(out, "# for a shell: eval \"$(make -s %s)\"\n", p.name)
	fmt.Fprintf(out, "export KUBECONFIG=%s\n", quote(w.Kubeconfig))
	// What kubectl remembers of an API server goes by its address, and another server will have this port one day.
	fmt.Fprintf(out, "export KUBECACHEDIR=%s\n", quote(w.cache()))
	if p.node { // for ctr
		fmt.Fprintf(out, "export CONTAINERD_ADDRESS=%s CONTAINERD_NAMESPACE=k8s.io\n", quote(w.Containerd))
	}
	fmt.Fprintf(out, "export PATH=%s:\"$PATH\"\n", quote(w.Programs))
	return nil
}

// tell tells the person something, beside what is for the shell.
func (p place) tell(what string) { fmt.Fprintf(os.Stderr, "%s: %s\n", p.name, what) }

// install goes through kubectl, as the person will.
func install(ctx context.Context, w word) error {
	for _, read := range []kubetest.Definitions{kubetest.GatewayAPI, kubetest.KEDA, kubetest.DefinitionFiles("deploy/crd/phial.dev_*.yaml")} {
		stream, err := read(ctx)
		if err != nil {
			return err
		}
		if err := kubectl(ctx, w, stream, "apply", "--server-side", "--force-conflicts", "-f", "-"); err != nil {
			return err
		}
	}
	return kubectl(ctx, w, nil, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
}

func kubectl(ctx context.Context, w word, input []byte, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(w.Programs, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.Kubeconfig, "KUBECACHEDIR="+w.cache())
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// start puts serve into the background, in a session of its own, and waits until it is ready.
func (p place) start(ctx context.Context) (word, error) {
	log, err := os.Create(p.file("log"))
	if err != nil {
		return word{}, err
	}
	defer log.Close()
	args := []string{serving, p.dir}
	if p.node {
		args = append([]string{"-node"}, args...)
	}
	cmd := exec.Command("/proc/self/exe", args...) //nolint:noctx // outlives this process
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return word{}, err
	}
	if err := cmd.Start(); err != nil {
		return word{}, err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) }) //nolint:errcheck // then it has ended
	defer stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != ready {
		cmd.Wait() //nolint:errcheck // its log says more
		text, err := os.ReadFile(p.file("log"))
		if err != nil {
			return word{}, err
		}
		return word{}, fmt.Errorf("it did not start: %s", strings.TrimSpace(string(text)))
	}
	w, _, err := p.running()
	return w, err
}

// down stops it; that none runs is no error.
func down(ctx context.Context, p place, _ io.Writer) error {
	unlock, err := p.changing()
	if err != nil {
		return err
	}
	defer unlock()
	w, runs, err := p.running()
	if err != nil {
		return err
	}
	if !runs {
		p.tell("none is running")
		return nil
	}
	return p.end(ctx, w)
}

// endTimeout is how long the one that runs may take to end.
const endTimeout = time.Minute

// end tells the one that runs to end, and waits until it has.
func (p place) end(ctx context.Context, w word) error {
	if err := syscall.Kill(w.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", w.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	return testkit.Poll(ctx, func() (bool, error) {
		f, free, err := p.hold()
		if free {
			return true, f.Close()
		}
		return err != nil, errors.Join(err, fmt.Errorf("process %d does not end", w.PID))
	})
}

// quote makes one word of the shell's.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
