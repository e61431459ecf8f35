package v1alpha1

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The defaults that more than one place names.
const (
	DefaultReplicas      = 3
	DefaultPortRange     = "9100-9107"
	DefaultHTTPPort      = 4000
	DefaultServicePort   = 80
	DefaultClusterDomain = "cluster.local"
	DefaultMountPath     = "/data"
	DefaultRunAsUser     = 65532 // also the uid of the images that `phial init` describes
	DefaultTargetCPU     = 70    // percent of the CPU request
)

// SetDefaults fills in what app leaves out, in place: what the API server fills
// in from the +kubebuilder:default markers, and the defaults that hang on another
// field, which a schema can't express:
//
//   - clustered, with type Clustered, takes the defaults of its fields;
//   - releaseName takes metadata.name, with _ for -;
//   - autoscaling without a target aims at 70% of the CPU request.
//
// What is set is left alone, right or wrong, and filling in twice changes nothing.
// A test keeps the markers and this function in step.
func SetDefaults(app *BeamApp) {
	s := &app.Spec
	orString(&s.Type, Clustered)
	if s.ReleaseName == "" {
		s.ReleaseName = strings.ReplaceAll(app.Name, "-", "_")
	}
	orPtr(&s.Replicas, DefaultReplicas)
	orString(&s.Agent, Enabled)
	orString(&s.DisruptionBudget, Enabled)
	if s.Clustered == nil && s.Type == Clustered {
		s.Clustered = &ClusteredSpec{}
	}
	if s.Clustered != nil {
		s.Clustered.setDefaults()
	}
	if s.HTTP != nil {
		orNumber(&s.HTTP.Port, DefaultHTTPPort)
		orNumber(&s.HTTP.ServicePort, DefaultServicePort)
	}
	s.Health.setDefaults()
	s.Shutdown.setDefaults()
	s.Rollout.setDefaults()
	if s.Autoscaling != nil {
		s.Autoscaling.setDefaults()
	}
	setEnvDefaults(s.Env)
	for i := range s.Pipelines {
		s.Pipelines[i].setDefaults()
	}
	if s.Migration != nil {
		orNumber(&s.Migration.TimeoutSeconds, 600)
	}
	orString(&s.Network.ClusterDomain, DefaultClusterDomain)
	orString(&s.Network.ServiceMesh, MeshNone)
	orString(&s.NetworkPolicy.Ingress, IsManaged)
	orString(&s.NetworkPolicy.Egress, IsUnmanaged)
	orString(&s.TopologySpread.Zone, SpreadAnyway)
	orString(&s.TopologySpread.Node, SpreadAnyway)
	s.VM.setDefaults()
	orNumber(&s.Security.RunAsUser, DefaultRunAsUser)
	orString(&s.Security.ReadOnlyRootFilesystem, Enabled)
}

func (c *ClusteredSpec) setDefaults() {
	orString(&c.Identity, Address)
	orString(&c.Join, JoinAuto)
	orString(&c.Discovery, DiscoveryPhial)
	orString(&c.Distribution.PortRange, DefaultPortRange)
	orString(&c.Distribution.EPMD, Enabled)
	orString(&c.Distribution.TLS.Mode, Disabled)
	if c.Storage != nil {
		orString(&c.Storage.MountPath, DefaultMountPath)
	}
}

func (h *HealthSpec) setDefaults() {
	orString(&h.Gate, GateJoined)
	orNumber(&h.StartTimeoutSeconds, 120)
	orString(&h.OnPartition, PartitionLargestOnly)
}

func (s *ShutdownSpec) setDefaults() {
	orPtr(&s.EndpointDelaySeconds, 5)
	orPtr(&s.DrainTimeoutSeconds, 25)
	orPtr(&s.StopTimeoutSeconds, 20)
}

func (r *RolloutSpec) setDefaults() {
	orPtr(&r.MinReadySeconds, 5)
	orPtr(&r.MaxSurge, intstr.FromInt32(1))
}

func (a *AutoscalingSpec) setDefaults() {
	orNumber(&a.MinReplicas, 2)
	if a.TargetCPUUtilizationPercentage == nil && a.TargetMemoryUtilizationPercentage == nil {
		a.TargetCPUUtilizationPercentage = new(int32(DefaultTargetCPU))
	}
}

func (p *PipelineSpec) setDefaults() {
	orPtr(&p.Replicas, 1)
	orPtr(&p.MinReplicas, 1)
	setEnvDefaults(p.Env)
	if p.Kafka != nil {
		orNumber(&p.Kafka.Concurrency, 1)
		if ref := p.Kafka.AuthenticationRef; ref != nil {
			orString(&ref.Kind, "TriggerAuthentication")
		}
	}
}

// setEnvDefaults fills in what Kubernetes' own types have a default for.
func setEnvDefaults(env []corev1.EnvVar) {
	for _, e := range env {
		if e.ValueFrom != nil && e.ValueFrom.FileKeyRef != nil {
			orPtr(&e.ValueFrom.FileKeyRef.Optional, false)
		}
	}
}

func (v *VMSpec) setDefaults() {
	orNumber(&v.MaxPorts, 65536)
	orString(&v.BusyWait, BusyWaitAuto)
	orString(&v.CrashDump.Mode, Enabled)
	orNumber(&v.CrashDump.MaxSeconds, 30)
	if v.CrashDump.SizeLimit == nil {
		v.CrashDump.SizeLimit = new(resource.MustParse("1Gi"))
	}
}

func orString[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}

func orNumber[T ~int32 | ~int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func orPtr[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
