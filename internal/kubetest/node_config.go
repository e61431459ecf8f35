package kubetest

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// nodeFiles are the configurations of what runs on a node, as templates of [nodeValues].
//
//go:embed node
var nodeFiles embed.FS

// nodeValues are what the configurations differ by from node to node.
type nodeValues struct {
	Dir           string // the node's own
	Pods          string // the network
	DNS           string // the address of the Service
	PauseImage    string
	CoreDNSImage  string
	Proxy         string // its kubeconfig
	FastServices  bool
	CgroupVersion int
}

// pluginDirs are where network plugins are found: Debian's place, and that of their makers.
var pluginDirs = []string{"/usr/lib/cni", "/opt/cni/bin"}

func findPlugins() (string, error) {
	for _, dir := range pluginDirs {
		if _, err := os.Stat(filepath.Join(dir, "ptp")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("there are no network plugins: install Debian's containernetworking-plugins, as \"make setup-test\" does")
}

// render fills in one of the files.
func (v nodeValues) render(name string) ([]byte, error) {
	t, err := template.ParseFS(nodeFiles, "node/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Option("missingkey=error").Execute(&b, v); err != nil {
		return nil, fmt.Errorf("the file %s of a node: %w", name, err)
	}
	return b.Bytes(), nil
}

// linkPlugins makes the directory of the network plugins: those of the machine that count, and one of our own.
func linkPlugins(dir, announce string) error {
	found, err := findPlugins()
	if err != nil {
		return err
	}
	links := map[string]string{"announce": announce}
	for _, name := range []string{"ptp", "host-local", "loopback"} {
		links[name] = filepath.Join(found, name)
	}
	plugins := filepath.Join(dir, "plugins")
	if err := os.Mkdir(plugins, 0o700); err != nil {
		return err
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(plugins, name)); err != nil {
			return err
		}
	}
	return nil
}

// write fills in the files that programs read, into the node's directory.
func (v nodeValues) write() error {
	for name, at := range map[string]string{
		"containerd.toml": "containerd.toml", "kubelet.yaml": "kubelet.yaml", "kube-proxy.yaml": "kube-proxy.yaml",
		"network.conflist": "net/10-test.conflist",
	} {
		text, err := v.render(name)
		if err != nil {
			return err
		}
		path := filepath.Join(v.Dir, at)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	// Pods are to have no name server but the cluster's.
	return os.WriteFile(filepath.Join(v.Dir, "resolv.conf"), nil, 0o644)
}
