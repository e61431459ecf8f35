package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
)

// patched is the plan of an app with a patch, given as YAML.
func patched(t *testing.T, patch string, o plan.Options, change func(*v1alpha1.BeamAppSpec)) (*plan.Plan, error) {
	t.Helper()
	app := tallyApp(func(s *v1alpha1.BeamAppSpec) {
		s.Health.Path = "/health/ready"
		if change != nil {
			change(s)
		}
	})
	raw, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	app.Spec.PodTemplate = &runtime.RawExtension{Raw: raw}
	return plan.New(app, o)
}

var withAgent = plan.Options{AgentImage: "phial-agent:1.0.0"}

// What breaks the agreement is refused at the very field, with what to do.
func TestPatchIsRefused(t *testing.T) {
	app := func(yaml string) string { return "spec: {containers: [{name: app, " + yaml + "}]}" }
	const appPath = "spec.podTemplate.spec.containers[0]"
	stable := func(s *v1alpha1.BeamAppSpec) { s.Clustered.Identity = v1alpha1.Stable }
	tests := []struct {
		name, patch string
		options     plan.Options
		change      func(*v1alpha1.BeamAppSpec)
		path, says  string
	}{
		{name: "misspelt field", patch: "spec: {contaners: []}", path: "spec.podTemplate.spec.contaners", says: "did you mean containers?"},
		{name: "misspelt field deep down", patch: app("readinessProbe: {httpGet: {pth: /}}"), path: appPath + ".readinessProbe.httpGet.pth", says: "did you mean path?"},
		{name: "field like no other", patch: "spec: {xyzzy: 1}", path: "spec.podTemplate.spec.xyzzy", says: "no such field"},
		{name: "wrong type", patch: "spec: {containers: {}}", path: "spec.podTemplate.spec.containers", says: "an object where a list is wanted"},
		{name: "text for a number", patch: "spec: {terminationGracePeriodSeconds: '60'}", path: "spec.podTemplate.spec.terminationGracePeriodSeconds", says: "a string where a whole number is wanted"},
		{name: "bad quantity", patch: "spec: {volumes: [{name: x, emptyDir: {sizeLimit: lots}}]}", path: "spec.podTemplate.spec.volumes[0].emptyDir.sizeLimit", says: "does not fit"},
		{name: "a list as the patch", patch: "[]", path: "spec.podTemplate", says: "a list where an object is wanted"},
		{name: "name of a template", patch: "metadata: {name: x}", path: "spec.podTemplate.metadata.name", says: "counts for nothing"},
		{name: "misspelt in metadata", patch: "metadata: {label: {}}", path: "spec.podTemplate.metadata.label", says: "did you mean labels?"},
		{name: "container without a name", patch: "spec: {containers: [{image: x}]}", path: "spec.podTemplate", says: "can't be merged"},

		{name: "selected label", patch: "metadata: {labels: {app.kubernetes.io/name: shop}}", path: "spec.podTemplate.metadata.labels", says: `has to stay "tally"`},
		{name: "mesh ports", patch: "metadata: {annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '5432'}}",
			change: func(s *v1alpha1.BeamAppSpec) { s.Network.ServiceMesh = v1alpha1.MeshIstio },
			path:   "spec.podTemplate.metadata.annotations", says: "may hold more"},
		{name: "host name", patch: "spec: {hostname: x}", path: "spec.podTemplate.spec.hostname", says: "spec.clustered.identity"},
		{name: "subdomain", patch: "spec: {subdomain: x}", change: stable, path: "spec.podTemplate.spec.subdomain", says: "headless Service"},
		{name: "FQDN as host name", patch: "spec: {setHostnameAsFQDN: true}", path: "spec.podTemplate.spec.setHostnameAsFQDN", says: "64"},
		{name: "host network", patch: "spec: {hostNetwork: true}", path: "spec.podTemplate.spec.hostNetwork", says: "remove it"},
		{name: "host's processes", patch: "spec: {hostPID: true}", path: "spec.podTemplate.spec.hostPID", says: "cookie"},
		{name: "account", patch: "spec: {serviceAccountName: x}", path: "spec.podTemplate.spec.serviceAccountName", says: "set spec.serviceAccountName"},
		{name: "token", patch: "spec: {automountServiceAccountToken: false}",
			change: func(s *v1alpha1.BeamAppSpec) { s.Clustered.Discovery = v1alpha1.DiscoveryLibclusterKubernetes },
			path:   "spec.podTemplate.spec.automountServiceAccountToken", says: "libcluster"},
		{name: "the machine's DNS", patch: "spec: {dnsPolicy: Default}", path: "spec.podTemplate.spec.dnsPolicy", says: "ClusterFirst"},
		{name: "short grace", patch: "spec: {terminationGracePeriodSeconds: 49}", path: "spec.podTemplate.spec.terminationGracePeriodSeconds", says: "make 50 s"},
		{name: "root", patch: "spec: {securityContext: {runAsUser: 0}}", path: "spec.podTemplate.spec.securityContext.runAsUser", says: "spec.security.runAsUser"},
		{name: "perhaps root", patch: "spec: {securityContext: {runAsNonRoot: false}}", path: "spec.podTemplate.spec.securityContext.runAsNonRoot", says: "true"},
		{name: "no group for the cookie", patch: "spec: {securityContext: {fsGroup: null}}", path: "spec.podTemplate.spec.securityContext.fsGroup", says: "cookie"},
		{name: "no seccomp", patch: "spec: {securityContext: {seccompProfile: {type: Unconfined}}}", path: "spec.podTemplate.spec.securityContext.seccompProfile", says: "RuntimeDefault"},
		{name: "no confinement", patch: "spec: {securityContext: null}", path: "spec.podTemplate.spec.securityContext", says: "root"},

		{name: "cookie of another Secret", patch: "spec: {volumes: [{name: phial-cookie, secret: {secretName: other}}]}", path: "spec.podTemplate.spec.volumes[0]", says: "another name"},
		{name: "cookie's volume gone", patch: "spec: {volumes: [{name: phial-cookie, $patch: delete}]}", path: "spec.podTemplate.spec.volumes[0]", says: "has to stay"},
		{name: "two sources", patch: "spec: {volumes: [{name: x, emptyDir: {}}, {name: phial-tmp, hostPath: {path: /x}}]}", path: "spec.podTemplate.spec.volumes[1]", says: "emptyDir: null"},
		{name: "mount without a volume", patch: app("volumeMounts: [{mountPath: /x, name: x}]"), path: appPath + ".volumeMounts[0]", says: "no volume x"},
		{name: "cookie's mount", patch: app("volumeMounts: [{mountPath: /x, name: phial-tmp}, {mountPath: /var/run/phial/cookie, name: phial-tmp}]"),
			path: appPath + ".volumeMounts[1]", says: "has to stay"},

		{name: "app gone", patch: "spec: {containers: [{name: app, $patch: delete}, {name: x, image: x}]}", path: "spec.podTemplate.spec.containers", says: "has to stay"},
		{name: "image", patch: app("image: x"), path: appPath + ".image", says: "set spec.image"},
		{name: "resources", patch: app("resources: {limits: {cpu: 1}}"), path: appPath + ".resources", says: "set spec.resources"},
		{name: "our environment", patch: app("env: [{name: A, value: b}, {name: RELEASE_NODE, value: x@y}]"), path: appPath + ".env[1]", says: "spec.releaseName"},
		{name: "our environment gone", patch: app("env: [{$patch: replace}, {name: A, value: b}]"), path: appPath + ".env", says: "POD_NAME is set by the plan"},
		{name: "cookie in the clear", patch: app("env: [{name: RELEASE_COOKIE, value: x, valueFrom: null}]"), path: appPath + ".env[0]", says: "spec.clustered.cookie"},
		{name: "ports that win", patch: app("env: [{name: ERL_AFLAGS, value: -kernel inet_dist_listen_min 9000}]"), path: appPath + ".env[0]", says: "portRange"},
		{name: "another carrier", patch: app("env: [{name: ERL_FLAGS, value: -proto_dist inet6_tcp}]"), path: appPath + ".env[0]", says: "spec.network.ipFamilies"},
		{name: "TLS lost", patch: app("env: [{name: ERL_AFLAGS, value: +S 4}]"), change: func(s *v1alpha1.BeamAppSpec) {
			s.Clustered.Distribution.TLS = v1alpha1.DistributionTLSSpec{Mode: v1alpha1.Enabled, SecretName: "x"}
		}, path: appPath + ".env[0]", says: "set ERL_AFLAGS in spec.env instead"},
		{name: "another EPMD", patch: app("env: [{name: ERL_EPMD_PORT, value: '5000'}]"), path: appPath + ".env[0]", says: "4369"},
		{name: "our port renamed", patch: app("ports: [{containerPort: 9100, name: x}]"), path: appPath + ".ports[0]", says: "port dist has to stay 9100/TCP"},
		{name: "port on the machine", patch: app("ports: [{containerPort: 4369, hostPort: 4369}]"), path: appPath + ".ports[0]", says: "hostPort"},
		{name: "probe of no port", patch: app("livenessProbe: {httpGet: {path: /, port: admin}}"), path: appPath + ".livenessProbe", says: "no port admin"},
		{name: "probe of a number that is none", patch: app("livenessProbe: {tcpSocket: {port: 31}}"), path: appPath + ".livenessProbe", says: "no port 31"},
		{name: "two ways to ask", patch: app("readinessProbe: {tcpSocket: {port: http}}"), path: appPath + ".readinessProbe", says: "null"},
		{name: "no readiness", patch: app("readinessProbe: null"), path: appPath + ".readinessProbe", says: "has to stay"},
		{name: "past the agent", patch: app("readinessProbe: {httpGet: {path: /, port: http}}"), options: withAgent, path: appPath + ".readinessProbe", says: "asks the agent"},
		{name: "no preStop", patch: app("lifecycle: null"), path: appPath + ".lifecycle.preStop", says: "spec.shutdown"},
		{name: "longer sleep", patch: app("lifecycle: {preStop: {sleep: {seconds: 40}}}"), path: appPath + ".lifecycle.preStop", says: "endpointDelaySeconds"},
		{name: "a sleep where there was no delay", patch: app("lifecycle: {preStop: {sleep: {seconds: 40}}}"), change: func(s *v1alpha1.BeamAppSpec) {
			s.Shutdown.EndpointDelaySeconds = new(int32(0))
		}, path: appPath + ".lifecycle.preStop", says: "endpointDelaySeconds"},
		{name: "two preStops", patch: app("lifecycle: {preStop: {exec: {command: [x]}}}"), path: appPath + ".lifecycle.preStop", says: "sleep"},
		{name: "past the drain", patch: app("lifecycle: {preStop: {exec: {command: [x]}}}"), options: withAgent, path: appPath + ".lifecycle.preStop", says: "drain"},
		{name: "another signal", patch: app("lifecycle: {stopSignal: SIGKILL}"), path: appPath + ".lifecycle.stopSignal", says: "SIGTERM"},
		{name: "privileged", patch: app("securityContext: {privileged: true}"), path: appPath + ".securityContext.privileged", says: "remove it"},
		{name: "root in the container", patch: app("securityContext: {runAsUser: 0}"), path: appPath + ".securityContext.runAsUser", says: "root"},
		{name: "escalation", patch: app("securityContext: {allowPrivilegeEscalation: true}"), path: appPath + ".securityContext.allowPrivilegeEscalation", says: "false"},
		{name: "capabilities", patch: app("securityContext: {capabilities: {add: [SYS_PTRACE]}}"), path: appPath + ".securityContext.capabilities", says: "NET_BIND_SERVICE"},
		{name: "writable root", patch: app("securityContext: {readOnlyRootFilesystem: false}"), path: appPath + ".securityContext.readOnlyRootFilesystem", says: "writablePaths"},

		{name: "agent gone", patch: "spec: {initContainers: null}", options: withAgent, path: "spec.podTemplate.spec.initContainers", says: "spec.agent: Disabled"},
		{name: "another agent", patch: "spec: {initContainers: [{name: phial-agent, image: x}]}", options: withAgent, path: "spec.podTemplate.spec.initContainers[0]", says: "only resources"},
		{name: "the node's port", patch: "spec: {containers: [{name: x, image: x, ports: [{containerPort: 80}, {containerPort: 9103}]}]}", path: "spec.podTemplate.spec.containers[0].ports[1]", says: "choose another for x"},
		{name: "the app's port", patch: "spec: {initContainers: [{name: x, image: x, restartPolicy: Always, ports: [{containerPort: 4000}]}]}", path: "spec.podTemplate.spec.initContainers[0].ports[0]", says: "choose another for x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := patched(t, tt.patch, tt.options, tt.change)
			var e *plan.PatchError
			if !errors.As(err, &e) {
				t.Fatalf("%s was taken (%v)", tt.patch, err)
			}
			if !slices.ContainsFunc(e.Problems, func(p plan.Problem) bool { return p.Path == tt.path && strings.Contains(p.Text, tt.says) }) {
				t.Errorf("%s is refused with\n%v\nwant …%s… at %s", tt.patch, err, tt.says, tt.path)
			}
		})
	}
}

// What is the team's own business is taken, and is where it belongs.
func TestPatchIsTaken(t *testing.T) {
	tests := []struct {
		name, patch string
		options     plan.Options
		has         func(corev1.PodTemplateSpec) bool
	}{
		{"annotations and labels", "metadata: {annotations: {a: b}, labels: {team: red, app.kubernetes.io/version: two}}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool { return t.Annotations["a"] == "b" && t.Labels["team"] == "red" }},
		{"longer grace", "spec: {terminationGracePeriodSeconds: 600}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool { return *t.Spec.TerminationGracePeriodSeconds == 600 }},
		{"a sidecar, behind the app", "spec: {containers: [{name: proxy, image: proxy, ports: [{containerPort: 8081}]}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool {
				return t.Spec.Containers[0].Name == "app" && t.Spec.Containers[1].Name == "proxy"
			}},
		{"an init container, behind the agent", "spec: {initContainers: [{name: wait, image: wait}]}", withAgent,
			func(t corev1.PodTemplateSpec) bool {
				return t.Spec.InitContainers[0].Name == "phial-agent" && t.Spec.InitContainers[1].Name == "wait"
			}},
		{"environment, behind ours", "spec: {containers: [{name: app, env: [{name: URL, value: 'http://$(POD_IP)'}]}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool {
				env := t.Spec.Containers[0].Env
				return env[0].Name == "POD_NAME" && env[len(env)-1].Name == "URL"
			}},
		{"flags of the team's", "spec: {containers: [{name: app, env: [{name: ERL_AFLAGS, value: +S 4}, {name: LANG, value: de_DE.UTF-8}]}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool {
				env := environment(t.Spec.Containers[0])
				return env["ERL_AFLAGS"] == "+S 4" && env["LANG"] == "de_DE.UTF-8"
			}},
		{"a volume and its mount", "spec: {volumes: [{name: ca, configMap: {name: ca}}], containers: [{name: app, volumeMounts: [{name: ca, mountPath: /etc/ca}]}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool {
				return slices.ContainsFunc(t.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/etc/ca" })
			}},
		{"/tmp in memory", "spec: {volumes: [{name: phial-tmp, emptyDir: {medium: Memory}}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool { return t.Spec.Volumes[0].EmptyDir.Medium == "Memory" }},
		{"a command", "spec: {containers: [{name: app, command: [bin/shop, start]}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool { return len(t.Spec.Containers[0].Command) == 2 }},
		{"a port and a probe of it", "spec: {containers: [{name: app, ports: [{containerPort: 9568, name: metrics}], livenessProbe: {httpGet: {path: /, port: metrics}}}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool {
				return t.Spec.Containers[0].LivenessProbe.HTTPGet.Port.StrVal == "metrics"
			}},
		{"a slower readiness", "spec: {containers: [{name: app, readinessProbe: {periodSeconds: 10}}]}", withAgent,
			func(t corev1.PodTemplateSpec) bool { return t.Spec.Containers[0].ReadinessProbe.PeriodSeconds == 10 }},
		{"another way to ask", "spec: {containers: [{name: app, readinessProbe: {httpGet: null, tcpSocket: {port: http}}}]}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool { return t.Spec.Containers[0].ReadinessProbe.TCPSocket != nil }},
		{"the agent's memory", "spec: {initContainers: [{name: phial-agent, resources: {limits: {memory: 256Mi}}}]}", withAgent,
			func(t corev1.PodTemplateSpec) bool {
				return t.Spec.InitContainers[0].Resources.Limits.Memory().String() == "256Mi"
			}},
		{"affinity", "spec: {affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: rack}}]}}}", plan.Options{},
			func(t corev1.PodTemplateSpec) bool { return t.Spec.Affinity.PodAntiAffinity != nil }},
		{"nothing", "{}", plan.Options{}, func(corev1.PodTemplateSpec) bool { return true }},
		{"null", "null", plan.Options{}, func(corev1.PodTemplateSpec) bool { return true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := patched(t, tt.patch, tt.options, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.has(*p.PodTemplate()) {
				t.Errorf("it is not there:\n%+v", p.PodTemplate())
			}
			for _, bad := range disagreements(p) {
				t.Error(bad)
			}
		})
	}
}

// A pipeline's pods take the patch too, and an error that is theirs alone says so.
func TestPatchReachesPipelines(t *testing.T) {
	pipelines := func(s *v1alpha1.BeamAppSpec) {
		s.Pipelines = []v1alpha1.PipelineSpec{{Name: "orders", DrainTimeoutSeconds: new(int32(300))}}
	}
	p, err := patched(t, "metadata: {annotations: {a: b}}", plan.Options{}, pipelines)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Pipelines[0].Deployment.Spec.Template.Annotations["a"]; got != "b" {
		t.Errorf("the pipeline's annotation is %q", got)
	}
	_, err = patched(t, "spec: {terminationGracePeriodSeconds: 60}", plan.Options{}, pipelines)
	if err == nil || !strings.Contains(err.Error(), "pipeline orders") || !strings.Contains(err.Error(), "spec.pipelines[0].drainTimeoutSeconds 300") {
		t.Errorf("a grace that is enough for nodes and not for the pipeline: %v", err)
	}
}

// What the rules of a BeamApp can't see of its environment.
func TestEnvironmentIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, value, says string }{
		{"ERL_AFLAGS", "+S 4 -proto_dist inet6_tcp", "spec.network.ipFamilies"},
		{"ERL_FLAGS", "-setcookie x", "spec.clustered.cookie"},
		{"ERL_AFLAGS", "-kernel inet_dist_listen_min 9000", "portRange"},
		{"RELEASE_NODE", "x@y", "spec.releaseName"},
	} {
		app := tallyApp(func(s *v1alpha1.BeamAppSpec) {
			s.Env = []corev1.EnvVar{{Name: "A"}, {Name: tt.name, Value: tt.value}}
		})
		_, err := plan.New(app, plan.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "spec.env[1]") {
			t.Errorf("%s=%s: %v, want …%s… at spec.env[1]", tt.name, tt.value, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), "setcookie x") {
			t.Error(fmt.Sprint("the value is in the error: ", err))
		}
	}
}
