package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
)

// sameQuantity: 1Gi is 1Gi, however it was read.
var sameQuantity = cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })

// TestDefaultsAgree: what the API server fills in from the schema is what SetDefaults
// fills in, for any BeamApp, and filling in twice changes nothing.
func TestDefaultsAgree(t *testing.T) {
	d := theDefinition(t)
	rapid.Check(t, func(t *rapid.T) {
		app := drawApp().Draw(t, "app")

		alone := app.DeepCopy()
		v1alpha1.SetDefaults(alone)

		served := throughServer(t, d, app)
		v1alpha1.SetDefaults(served)
		if diff := cmp.Diff(served, alone, sameQuantity); diff != "" {
			t.Errorf("by the API server first (-), and by SetDefaults alone (+):\n%s", diff)
		}

		// And the other way round: nothing is left to be filled in by the server.
		again := throughServer(t, d, alone)
		if diff := cmp.Diff(alone, again, sameQuantity); diff != "" {
			t.Errorf("SetDefaults left something to the API server:\n%s", diff)
		}
		twice := alone.DeepCopy()
		v1alpha1.SetDefaults(twice)
		if diff := cmp.Diff(alone, twice, sameQuantity); diff != "" {
			t.Errorf("twice is not once:\n%s", diff)
		}
	})
}

// throughServer gives app as the API server would after filling in the schema's defaults.
func throughServer(t *rapid.T, d *definition, app *v1alpha1.BeamApp) *v1alpha1.BeamApp {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		t.Fatal(err)
	}
	d.fill(content)
	var out v1alpha1.BeamApp
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(content, &out, true); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestDefaultsOfOtherFields(t *testing.T) {
	tests := []struct {
		name string
		app  v1alpha1.BeamApp
		ok   func(v1alpha1.BeamAppSpec) bool
	}{
		{"releaseName from the name", named("my-shop"), func(s v1alpha1.BeamAppSpec) bool { return s.ReleaseName == "my_shop" }},
		{"clustered is filled in", named("shop"), func(s v1alpha1.BeamAppSpec) bool {
			return s.Clustered != nil && s.Clustered.Distribution.PortRange == v1alpha1.DefaultPortRange
		}},
		{"clustered stays out of Stateless", func() v1alpha1.BeamApp {
			app := named("shop")
			app.Spec.Type = v1alpha1.Stateless
			return app
		}(), func(s v1alpha1.BeamAppSpec) bool { return s.Clustered == nil }},
		{"an autoscaler without a target", func() v1alpha1.BeamApp {
			app := named("shop")
			app.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5}
			return app
		}(), func(s v1alpha1.BeamAppSpec) bool { return *s.Autoscaling.TargetCPUUtilizationPercentage == 70 }},
		{"an autoscaler by memory", func() v1alpha1.BeamApp {
			app := named("shop")
			app.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5, TargetMemoryUtilizationPercentage: new(int32(80))}
			return app
		}(), func(s v1alpha1.BeamAppSpec) bool { return s.Autoscaling.TargetCPUUtilizationPercentage == nil }},
		{"zero replicas stay zero", func() v1alpha1.BeamApp {
			app := named("shop")
			app.Spec.Replicas = new(int32(0))
			return app
		}(), func(s v1alpha1.BeamAppSpec) bool { return *s.Replicas == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v1alpha1.SetDefaults(&tt.app)
			if !tt.ok(tt.app.Spec) {
				t.Errorf("got %+v", tt.app.Spec)
			}
		})
	}
}

func named(name string) v1alpha1.BeamApp {
	return v1alpha1.BeamApp{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// drawApp draws BeamApps with fields set and left out in every combination; few of them
// are valid, and none has to be.
func drawApp() *rapid.Generator[*v1alpha1.BeamApp] {
	return rapid.Custom(func(t *rapid.T) *v1alpha1.BeamApp {
		s := v1alpha1.BeamAppSpec{
			Image:            "shop:1",
			Type:             maybe(t, "type", v1alpha1.Stateless, v1alpha1.Clustered),
			ReleaseName:      maybe(t, "releaseName", "store"),
			Replicas:         maybePtr(t, "replicas", 0, 5),
			Agent:            maybe(t, "agent", v1alpha1.Disabled),
			DisruptionBudget: maybe(t, "disruptionBudget", v1alpha1.Disabled),
			Health: v1alpha1.HealthSpec{
				Gate:                maybe(t, "gate", v1alpha1.GateBooted),
				StartTimeoutSeconds: maybe(t, "startTimeoutSeconds", int32(60)),
				OnPartition:         maybe(t, "onPartition", v1alpha1.PartitionServe),
			},
			Shutdown: v1alpha1.ShutdownSpec{
				EndpointDelaySeconds: maybePtr(t, "endpointDelaySeconds", 0, 15),
				DrainTimeoutSeconds:  maybePtr(t, "drainTimeoutSeconds", 0, 60),
				StopTimeoutSeconds:   maybePtr(t, "stopTimeoutSeconds", 1),
			},
			Rollout: v1alpha1.RolloutSpec{
				MinReadySeconds: maybePtr(t, "minReadySeconds", 0, 10),
				MaxSurge:        pointer(t, "maxSurge", intstr.FromInt32(2), intstr.FromString("25%")),
			},
			Network: v1alpha1.NetworkSpec{
				ClusterDomain: maybe(t, "clusterDomain", "example.org"),
				ServiceMesh:   maybe(t, "serviceMesh", v1alpha1.MeshIstio),
			},
			NetworkPolicy: v1alpha1.NetworkPolicySpec{
				Ingress: maybe(t, "ingress", v1alpha1.IsUnmanaged),
				Egress:  maybe(t, "egress", v1alpha1.IsManaged),
			},
			TopologySpread: v1alpha1.TopologySpreadSpec{
				Zone: maybe(t, "zone", v1alpha1.SpreadDisabled),
				Node: maybe(t, "node", v1alpha1.SpreadStrictly),
			},
			VM: v1alpha1.VMSpec{
				MaxPorts: maybe(t, "maxPorts", int32(1024)),
				BusyWait: maybe(t, "busyWait", v1alpha1.BusyWaitNever),
				CrashDump: v1alpha1.CrashDumpSpec{
					Mode:       maybe(t, "crashDump", v1alpha1.Disabled),
					MaxSeconds: maybe(t, "maxSeconds", int32(5)),
					SizeLimit:  pointer(t, "sizeLimit", resource.MustParse("2Gi")),
				},
			},
			Security: v1alpha1.SecuritySpec{
				RunAsUser:              maybe(t, "runAsUser", int64(1000)),
				ReadOnlyRootFilesystem: maybe(t, "readOnlyRootFilesystem", v1alpha1.Disabled),
			},
			Clustered: pointer(t, "clustered", v1alpha1.ClusteredSpec{
				Identity:  maybe(t, "identity", v1alpha1.Stable),
				Join:      maybe(t, "join", v1alpha1.JoinNever),
				Discovery: maybe(t, "discovery", v1alpha1.DiscoveryDNSCluster),
				Distribution: v1alpha1.DistributionSpec{
					PortRange:          maybe(t, "portRange", "9200-9203"),
					EPMD:               maybe(t, "epmd", v1alpha1.Disabled),
					TLS:                v1alpha1.DistributionTLSSpec{Mode: maybe(t, "tls", v1alpha1.Enabled)},
					NetTicktimeSeconds: maybePtr(t, "netTicktimeSeconds", 30),
				},
				Cookie:  v1alpha1.CookieSpec{SecretRef: pointer(t, "secretRef", v1alpha1.SecretReference{Name: "c"})},
				Storage: pointer(t, "storage", v1alpha1.StorageSpec{Size: resource.MustParse("1Gi"), MountPath: maybe(t, "mountPath", "/disk")}),
			}),
			HTTP: pointer(t, "http", v1alpha1.HTTPSpec{
				Port: maybe(t, "port", int32(8080)), ServicePort: maybe(t, "servicePort", int32(8080)),
			}),
			Autoscaling: pointer(t, "autoscaling", v1alpha1.AutoscalingSpec{
				MinReplicas: maybe(t, "minReplicas", int32(1)), MaxReplicas: 9,
				TargetCPUUtilizationPercentage:    maybePtr(t, "cpu", 50),
				TargetMemoryUtilizationPercentage: maybePtr(t, "memory", 50),
			}),
			Migration: pointer(t, "migration", v1alpha1.MigrationSpec{
				Command: []string{"bin/shop"}, TimeoutSeconds: maybe(t, "timeoutSeconds", int32(5)),
			}),
			Env: rapid.SliceOfN(rapid.Custom(drawEnv), 0, 3).Draw(t, "env"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "pipelines") {
			s.Pipelines = append(s.Pipelines, v1alpha1.PipelineSpec{
				Name:        "p",
				Replicas:    maybePtr(t, "replicas", 0, 4),
				MinReplicas: maybePtr(t, "minReplicas", 0, 4),
				Kafka: pointer(t, "kafka", v1alpha1.KafkaSpec{
					Brokers: []string{"kafka:9092"}, Group: "g", Topics: []string{"t"},
					Concurrency: maybe(t, "concurrency", int32(3)),
					AuthenticationRef: pointer(t, "authenticationRef", v1alpha1.AuthenticationReference{
						Name: "a", Kind: maybe(t, "kind", "ClusterTriggerAuthentication"),
					}),
				}),
				Env: rapid.SliceOfN(rapid.Custom(drawEnv), 0, 2).Draw(t, "env"),
			})
		}
		if len(s.Env) == 0 {
			s.Env = nil
		}
		for i := range s.Pipelines {
			if len(s.Pipelines[i].Env) == 0 {
				s.Pipelines[i].Env = nil
			}
		}
		return &v1alpha1.BeamApp{ObjectMeta: metav1.ObjectMeta{Name: maybe(t, "name", "shop", "my-shop")}, Spec: s}
	})
}

func drawEnv(t *rapid.T) corev1.EnvVar {
	return rapid.SampledFrom([]corev1.EnvVar{
		{Name: "A", Value: "b"},
		{Name: "B", ValueFrom: &corev1.EnvVarSource{FileKeyRef: &corev1.FileKeySelector{VolumeName: "v", Path: "p", Key: "k"}}},
		{Name: "C", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}},
	}).Draw(t, "variable")
}

// maybe leaves a field out or gives it one of the values.
func maybe[T any](t *rapid.T, label string, values ...T) T {
	var none T
	return rapid.SampledFrom(append([]T{none}, values...)).Draw(t, label)
}

func maybePtr(t *rapid.T, label string, values ...int32) *int32 { return pointer(t, label, values...) }

func pointer[T any](t *rapid.T, label string, values ...T) *T {
	if !rapid.Bool().Draw(t, label+" is set") {
		return nil
	}
	return new(rapid.SampledFrom(values).Draw(t, label))
}
