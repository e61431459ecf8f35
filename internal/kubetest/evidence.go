package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// evidenceTimeout bounds what a failed test may take to be looked at.
const evidenceTimeout = time.Minute

// evidenceDir is where evidence of a failure goes: below the directory that PHIAL_EVIDENCE names, or that of temporary
// files.
func evidenceDir(of string) string {
	parent := os.Getenv("PHIAL_EVIDENCE")
	if parent == "" {
		parent = os.TempDir()
	}
	return filepath.Join(parent, "phial-evidence-"+strings.NewReplacer("/", "-", " ", "-").Replace(of))
}

// Logs gives what a component wrote: "kubelet", "kube-proxy", "containerd", "kube-apiserver" and so on.
func (n *Node) Logs(component string) ([]byte, error) {
	return os.ReadFile(filepath.Join(n.dir, component+".log"))
}

// SaveEvidence writes what tells why a test failed into a directory: what every component and every container wrote,
// and what the API server knows of events, nodes and pods. It writes what it can, and says what it could not.
func (n *Node) SaveEvidence(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(n.dir, "*.log"))
	for _, log := range logs {
		text, e := os.ReadFile(log)
		err = errors.Join(err, e, os.WriteFile(filepath.Join(dir, filepath.Base(log)), text, 0o644))
	}
	for file, args := range map[string][]string{
		"events.txt":       {"get", "events", "-A", "--sort-by=.lastTimestamp"},
		"objects.txt":      {"get", "all,endpointslices,configmaps,networkpolicies,poddisruptionbudgets", "-A", "-o", "wide"},
		"descriptions.txt": {"describe", "nodes,pods", "-A"},
		"pods.yaml":        {"get", "pods", "-A", "-o", "yaml"},
	} {
		text, _, e := n.Kubectl(ctx, nil, args...)
		err = errors.Join(err, e, os.WriteFile(filepath.Join(dir, file), text, 0o644))
	}
	rules, e := n.Exec(ctx, nil, "nft", "list", "ruleset")
	err = errors.Join(err, e, os.WriteFile(filepath.Join(dir, "nft.txt"), rules, 0o644))
	if n.process1 == nil {
		return err
	}
	pods := os.DirFS(fmt.Sprintf("/proc/%d/root/var/log/pods", n.process1.pid))
	return errors.Join(err, os.CopyFS(filepath.Join(dir, "pods"), pods))
}
