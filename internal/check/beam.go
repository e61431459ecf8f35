package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// Beam is a workload whose pods run a BEAM release.
type Beam struct {
	manifest.Workload
	Container manifest.Container // the one that runs it
	Why       string             // why it is taken for one
}

// beamEnv are variables that only a release's start script, the VM or Phoenix reads.
var beamEnv = regexp.MustCompile(`^(RELEASE_(NODE|COOKIE|DISTRIBUTION|NAME|TMP|MODE|BOOT_SCRIPT|VM_ARGS|REMOTE_VM_ARGS|SYS_CONFIG|COMMAND)|ERL_[A-Z_]+|ELIXIR_ERL_OPTIONS|PHX_[A-Z_]+|MIX_ENV|DNS_CLUSTER_QUERY|ERLANG_COOKIE|PHIAL_[A-Z_]+)$`)

// others' programs that run on the BEAM and are no release of a team's; they have rules of their own.
var otherPrograms = regexp.MustCompile(`(^|/)(rabbitmq|emqx|vernemq|couchdb|ejabberd|livebook)[^/]*$`)

// services are others' programs that stand beside an app, and are no release.
var services = regexp.MustCompile(`(^|/)(nginx|httpd|caddy|haproxy|traefik|envoy|varnish|postgres|postgis|postgresql|pgbouncer|pgadmin4?|timescaledb|mysql|mariadb|mongo|mongodb|redis|valkey|memcached|kafka|zookeeper|redpanda|nats|etcd|minio|elasticsearch|opensearch|kibana|logstash|fluentd|fluent-bit|vector|grafana|prometheus|loki|jaeger|otel|opentelemetry-collector(-contrib)?|clickhouse|clickhouse-server|cassandra|cockroach|vault|consul|keycloak|adminer|mailhog|busybox|curl)$`)

// startWords is how a release, or mix in its place, is started.
var startWords = project.StartsRelease

// Beam says whether a workload's pods run a BEAM release, and why. It is the one place that decides it; rules about the BEAM
// speak of no other workloads.
func (in *Input) Beam(w manifest.Workload) (Beam, bool) {
	if !in.began {
		in.begin()
	}
	b, ok := in.beams[w.Object]
	return b, ok
}

// Beams gives the workloads that run BEAM releases.
func (in *Input) Beams() []Beam {
	if !in.began {
		in.begin()
	}
	return in.releases
}

// Serving gives those whose pods are meant to run on.
func (in *Input) Serving() []Beam {
	if !in.began {
		in.begin()
	}
	return in.serving
}

func (in *Input) begin() {
	in.began, in.beams = true, map[*manifest.Object]Beam{}
	if in.Objects == nil {
		return
	}
	found := func(b Beam) {
		in.beams[b.Object] = b
		if in.releases = append(in.releases, b); b.Serves() {
			in.serving = append(in.serving, b)
		}
	}
	var serving []manifest.Workload
	for w := range in.Objects.Workloads() {
		if b, ok := in.beamWorkload(w); ok {
			found(b)
		}
		if w.Serves() {
			serving = append(serving, w)
		}
	}
	// The only workload beside a project is the project's.
	if in.Project != nil && len(in.beams) == 0 && len(serving) == 1 {
		for c := range serving[0].Containers() {
			if name := imageName(c); !c.Init && !otherPrograms.MatchString(name) && !services.MatchString(name) {
				found(Beam{serving[0], c, "it is the only workload beside mix.exs"})
				return
			}
		}
	}
}

// beamWorkload decides by what stands in the workload, and by the project's names.
func (in *Input) beamWorkload(w manifest.Workload) (Beam, bool) {
	for c := range w.Containers() {
		if c.Init || otherPrograms.MatchString(imageName(c)) {
			continue
		}
		for e := range c.Env() {
			if beamEnv.MatchString(e.Called) {
				return Beam{w, c, "its container " + c.Called + " sets " + e.Called}, true
			}
		}
		if words := joined(c); startWords.MatchString(words) {
			return Beam{w, c, "its container " + c.Called + " runs " + strings.TrimSpace(startWords.FindString(words))}, true
		}
		for p := range c.Ports() {
			if n, ok := p.Key("containerPort").Int(); ok && n == beam.EPMDPort {
				return Beam{w, c, "its container " + c.Called + " has EPMD's port"}, true
			}
		}
		if managed(w) {
			return Beam{w, c, "Phial made it"}, true
		}
		if name := in.projectImage(c); name != "" {
			return Beam{w, c, "its image is called as the project is, " + name}, true
		}
	}
	return Beam{}, false
}

// managed says whether Phial made it: what it has was chosen in a BeamApp.
func managed(w manifest.Workload) bool {
	return w.Template.At("metadata.labels").Key("app.kubernetes.io/managed-by").String() == "phial"
}

// projectImage is the project's name where a container's image is called so.
func (in *Input) projectImage(c manifest.Container) string {
	if in.Project == nil {
		return ""
	}
	if image := asApp(path.Base(imageName(c))); slices.Contains(in.names(), image) {
		return image
	}
	return ""
}

// names are what the project's applications and releases are called.
func (in *Input) names() (all []string) {
	for _, m := range in.Project.Mixes() {
		all = append(all, m.App.Value)
		for _, r := range m.Releases.Value {
			all = append(all, r.Name)
		}
	}
	return slices.DeleteFunc(all, func(n string) bool { return n == "" })
}

// asApp writes a name of Kubernetes' as Elixir has it.
func asApp(name string) string { return strings.ReplaceAll(name, "-", "_") }

// startsNamed says whether a container's command runs bin/NAME.
func startsNamed(c manifest.Container, name string) bool {
	return strings.Contains(" "+strings.ReplaceAll(joined(c), "/", " ")+" ", " bin "+name+" ")
}

// imageName is a container's image without tag and digest.
func imageName(c manifest.Container) string {
	name, _, _ := project.SplitImage(c.Key("image").String())
	return name
}

// joined are a container's command and arguments as one text.
func joined(c manifest.Container) string {
	var words []string
	for _, f := range c.Words() {
		words = append(words, f.String())
	}
	return strings.Join(words, " ")
}
