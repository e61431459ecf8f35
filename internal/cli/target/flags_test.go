package target

import (
	"os"
	"testing"

	"github.com/phialdev/phial/internal/cli/cluster"
	"github.com/phialdev/phial/internal/cli/instance"
)

// Called by kubectl, what is meant is on Kubernetes where nothing else is said.
func TestOnCluster(t *testing.T) {
	args := os.Args
	defer func() { os.Args = args }()
	for _, tt := range []struct {
		program string
		f       Flags
		want    bool
	}{
		{"/usr/bin/phial", Flags{}, false},
		{"/usr/bin/phial", Flags{Cluster: cluster.Flags{Namespace: "shop"}}, true},
		{"/usr/bin/phial", Flags{Cluster: cluster.Flags{App: "shop"}}, true},
		{"/usr/bin/kubectl-phial", Flags{}, true},
		{"kubectl-phial.exe", Flags{}, true},
		{"/usr/bin/kubectl-phial", Flags{Nodes: []string{"shop@10.0.0.7"}}, false},
		{"/usr/bin/kubectl-phial", Flags{App: instance.Flag{Name: "shop"}}, false},
	} {
		os.Args = []string{tt.program}
		if got := tt.f.OnCluster(); got != tt.want {
			t.Errorf("%s with %+v: %v", tt.program, tt.f, got)
		}
	}
}
