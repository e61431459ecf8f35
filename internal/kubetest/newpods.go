package kubetest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// newPods is the directory where the network plugin says of which pods it has made the address: see
// test/kube/cmd/announce.
func (n *Node) newPods() string { return filepath.Join(n.dir, "pods") }

// known is behind the name of the answer to the plugin.
const known = ".known"

// announced is a pod that has an address, which the API server need not know yet.
type announced struct{ pod, ip string }

// newPods reads what the plugin said and has no answer to. It also gives those that were answered, whose address the API
// server may not know even so.
func newPods(dir string) ([]announced, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []announced
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), known) || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		pod, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was taken back
		}
		if err != nil {
			return nil, err
		}
		all = append(all, announced{string(pod), e.Name()})
	}
	return all, nil
}

// learn gives pods without an address the one that was announced, and gives those back that are pods of this world.
func (w world) learn(all []announced) (learnt []announced) {
	index := map[string]*corev1.Pod{}
	for i := range w.pods {
		index[w.pods[i].Namespace+"/"+w.pods[i].Name] = &w.pods[i]
	}
	for _, a := range all {
		pod := index[a.pod]
		if pod == nil {
			continue
		}
		if pod.Status.PodIP == "" {
			pod.Status.PodIP = a.ip
		}
		learnt = append(learnt, a)
	}
	return learnt
}

// acknowledge tells the plugin that the policies of pods are in force.
func acknowledge(dir string, all []announced) error {
	for _, a := range all {
		if err := os.WriteFile(filepath.Join(dir, a.ip+known), nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// listen looks for what the plugin says, and says that something has changed.
func (e *enforcer) listen(ctx context.Context) {
	dir := e.node.newPods()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		all, err := newPods(dir)
		for _, a := range all {
			if _, err := os.Stat(filepath.Join(dir, a.ip+known)); errors.Is(err, fs.ErrNotExist) {
				e.tell()
				break
			}
		}
		if err != nil {
			e.tell() // whoever enforces meets the same, and says so
		}
	}
}

// tell says that something has changed.
func (e *enforcer) tell() {
	select {
	case e.changed <- struct{}{}:
	default: // it has been said
	}
}
