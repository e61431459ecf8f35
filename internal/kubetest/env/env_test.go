package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// What runs in the background is this binary, too.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, serving) {
		main()
		return
	}
	os.Exit(m.Run())
}

// What up prints, a shell can use; a second up uses what runs; down leaves nothing.
func TestUpAndDown(t *testing.T) {
	upAndDown(t, alone, "kubectl get crd -o name")
}

// The same of a cluster with a node, whose containerd the shell reaches, too.
func TestClusterUpAndDown(t *testing.T) {
	upAndDown(t, withNode, "kubectl get crd -o name; kubectl wait --for=condition=Ready node --all >&2; ctr images ls -q | grep -q coredns")
}

func upAndDown(t *testing.T, k kind, script string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a real Kubernetes API server, and -short was asked for")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	p := place{t.TempDir(), k}
	t.Cleanup(func() {
		if err := down(context.Background(), p, nil); err != nil {
			t.Error(err)
		}
	})
	var lines [2]bytes.Buffer
	var words [2]word
	for i := range lines {
		if err := up(ctx, p, &lines[i]); err != nil {
			t.Fatal(err)
		}
		var runs bool
		var err error
		if words[i], runs, err = p.running(); err != nil || !runs {
			t.Fatalf("up %d: runs is %v, %v", i, runs, err)
		}
	}
	if words[0] != words[1] || lines[0].String() != lines[1].String() {
		t.Errorf("the second up has %+v, not %+v", words[1], words[0])
	}
	out, err := shell(ctx, lines[0].String()+script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"httproutes.gateway.networking.k8s.io", "scaledobjects.keda.sh", "beamapps.phial.dev"} {
		if !slices.Contains(strings.Fields(string(out)), "customresourcedefinition.apiextensions.k8s.io/"+want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	for range 2 {
		if err := down(ctx, p, nil); err != nil {
			t.Error(err)
		}
	}
	if _, runs, err := p.running(); runs || err != nil {
		t.Errorf("after down: runs is %v, %v", runs, err)
	}
	for _, path := range []string{fmt.Sprintf("/proc/%d/exe", words[0].PID), words[0].Kubeconfig, words[0].cache()} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
}

// shell runs a script as a person's shell would the printed lines.
func shell(ctx context.Context, script string) *exec.Cmd {
	return exec.CommandContext(ctx, "sh", "-ec", script)
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"/plain", "with space", "it's", "$HOME `x` \"y\" \\"} {
		out, err := shell(t.Context(), "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q became %q, %v", s, out, err)
		}
	}
}
