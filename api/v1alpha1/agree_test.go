package v1alpha1_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/plan"
)

// The rules name ports, variables, flags and directories that are somebody else's to
// choose. Here they are held against those who do.

// problems gives what the rules say of a spec.
func problems(t *testing.T, spec string) (messages []string) {
	t.Helper()
	d := theDefinition(t)
	app := ruleCase{}.manifest(t, spec)
	d.fill(app)
	for _, err := range d.judge(t.Context(), app, nil) {
		messages = append(messages, err.Detail)
	}
	return messages
}

// TestDiscoveryAgrees: the pairs of discovery and identity that the rules refuse are
// those that never meet, in the same words.
func TestDiscoveryAgrees(t *testing.T) {
	clustered := theDefinition(t).schema.Properties["spec"].Properties["clustered"]
	enum := func(field string) (values []string) {
		for _, v := range clustered.Properties[field].Enum {
			values = append(values, strings.Trim(string(v.Raw), `"`))
		}
		slices.Sort(values)
		return values
	}
	var discoveries, identities []string
	for _, d := range beam.Discoveries() {
		discoveries = append(discoveries, string(d))
	}
	for _, i := range beam.Identities() {
		identities = append(identities, string(i))
	}
	slices.Sort(discoveries)
	if got := enum("discovery"); !slices.Equal(got, discoveries) {
		t.Errorf("discovery is one of %v, and the table has %v", got, discoveries)
	}
	if got := enum("identity"); !slices.Equal(got, identities) {
		t.Errorf("identity is one of %v, and the table has %v", got, identities)
	}
	for _, d := range beam.Discoveries() {
		for _, i := range beam.Identities() {
			var want []string
			if ok, reason := beam.Pair(d, i); !ok {
				want = []string{reason}
			}
			got := problems(t, fmt.Sprintf("clustered: {discovery: %s, identity: %s}", d, i))
			if !slices.Equal(got, want) {
				t.Errorf("%s with %s: refused with %q, want %q", d, i, got, want)
			}
		}
	}
}

func TestPortsAgree(t *testing.T) {
	if want := fmt.Sprintf("%d-%d", beam.DistPortMin, beam.DistPortMax); v1alpha1.DefaultPortRange != want {
		t.Errorf("the default range is %s, and %s elsewhere", v1alpha1.DefaultPortRange, want)
	}
	for _, port := range []int{beam.EPMDPort, beam.AgentProbePort, beam.AgentPeerPort} {
		if len(problems(t, fmt.Sprintf("http: {port: %d}", port))) == 0 {
			t.Errorf("http may listen on %d, which is taken", port)
		}
		if len(problems(t, fmt.Sprintf("clustered: {distribution: {portRange: %d-%d}}", port, port+1))) == 0 {
			t.Errorf("the distribution may listen on %d, which is taken", port)
		}
	}
}

// TestPlanAgrees: what the plan sets in a container, nobody sets beside it.
func TestPlanAgrees(t *testing.T) {
	// Names that the plan gives a value to and a team may give another.
	theirs := []string{
		"LANG", "HOME", beam.EnvPhoenixHost,
		beam.EnvErlAFlags,                                 // joined with the plan's own
		beam.EnvDNSClusterQuery, beam.EnvLibclusterDomain, // refused only where the plan sets them: TestRules
	}
	d := theDefinition(t)
	names, flags, paths := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range validCases {
		if c.name == "flags of the team's" || c.name == "an environment of the team's" {
			continue
		}
		content := c.manifest(t, c.spec)
		d.fill(content)
		var app v1alpha1.BeamApp
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &app); err != nil {
			t.Fatal(err)
		}
		own := append([]string{}, app.Spec.Security.WritablePaths...)
		if app.Spec.Clustered != nil && app.Spec.Clustered.Storage != nil {
			own = append(own, app.Spec.Clustered.Storage.MountPath)
		}
		for _, image := range []string{"", "phial-agent:1"} {
			p, err := plan.New(&app, plan.Options{AgentImage: image})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			for _, container := range containers(p) {
				for _, e := range container.Env {
					names[e.Name] = true
					if e.Name == beam.EnvElixirErlOptions || e.Name == beam.EnvErlZFlags || e.Name == beam.EnvErlAFlags {
						addFlags(flags, e.Value)
					}
				}
				for _, m := range container.VolumeMounts {
					if !slices.Contains(own, m.MountPath) {
						paths[m.MountPath] = true
					}
				}
			}
		}
	}
	if len(names) < 10 || len(flags) < 5 || len(paths) < 4 {
		t.Fatalf("the plans set only %v, %v, %v: this test looks in the wrong place", names, flags, paths)
	}
	for name := range names {
		refused := len(problems(t, "env: [{name: "+name+", value: \"1\"}]")) > 0
		if refused == slices.Contains(theirs, name) {
			t.Errorf("%s in env: refused is %v", name, refused)
		}
	}
	for flag := range flags {
		if len(problems(t, "vm: {flags: [\""+flag+"\"]}")) == 0 {
			t.Errorf("%s is set by the plan, and not refused in vm.flags", flag)
		}
	}
	for path := range paths {
		if len(problems(t, "security: {writablePaths: ["+path+"]}")) == 0 {
			t.Errorf("%s is mounted by the plan, and not refused in security.writablePaths", path)
		}
	}
}

// containers are those that the app runs in.
func containers(p *plan.Plan) (all []corev1.Container) {
	app := func(spec corev1.PodSpec) { all = append(all, spec.Containers[0]) }
	app(p.PodTemplate().Spec)
	for _, pipeline := range p.Pipelines {
		app(pipeline.Deployment.Spec.Template.Spec)
	}
	if p.Migration != nil {
		app(p.Migration.Spec.Template.Spec)
	}
	return all
}

// addFlags takes a line of flags apart, each with its value, of -kernel each setting.
func addFlags(flags map[string]bool, line string) {
	words := strings.Fields(line)
	for i := 0; i < len(words); i++ {
		if words[i] == "-"+beam.Kernel {
			for ; i+2 < len(words) && !strings.HasPrefix(words[i+1], "-") && !strings.HasPrefix(words[i+1], "+"); i += 2 {
				flags["-"+beam.Kernel+" "+words[i+1]+" 1"] = true
			}
			continue
		}
		if strings.HasPrefix(words[i], "-") || strings.HasPrefix(words[i], "+") {
			flags[words[i]+" 1"] = true
		}
	}
}
