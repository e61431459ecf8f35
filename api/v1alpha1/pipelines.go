package v1alpha1

import corev1 "k8s.io/api/core/v1"

// PipelineSpec is a workload of its own from the same image: one Broadway
// pipeline in each pod.
type PipelineSpec struct {
	// Name is told to the pod in PHIAL_PIPELINE. The Deployment is APP-NAME.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Kafka is what the pipeline reads.
	// +optional
	Kafka *KafkaSpec `json:"kafka,omitempty"`

	// Replicas is how many pods run it; left to KEDA where lagPerReplica is set.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// MinReplicas is KEDA's lower bound; 0 lets an idle pipeline stop.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is KEDA's upper bound. Default, and never more than: as many as there
	// are partitions for.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`

	// LagPerReplica makes a KEDA ScaledObject: one replica for each so many messages that
	// wait. Needs kafka.
	// +kubebuilder:validation:Minimum=1
	// +optional
	LagPerReplica *int64 `json:"lagPerReplica,omitempty"`

	// DrainTimeoutSeconds is how long messages in flight may take to be handled and
	// committed, in place of shutdown.drainTimeoutSeconds.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	// +optional
	DrainTimeoutSeconds *int32 `json:"drainTimeoutSeconds,omitempty"`

	// Resources in place of the app's.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// Env beside the app's own; of two with the same name this one counts.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=name
	// +optional
	Env []corev1.EnvVar `json:"env,omitempty"`
}

// KafkaSpec is what a pipeline reads. It is told to the pod in
// PHIAL_KAFKA_BROKERS, PHIAL_KAFKA_GROUP and PHIAL_KAFKA_TOPICS, with commas.
type KafkaSpec struct {
	// Brokers are host:port.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=261
	// +kubebuilder:validation:items:Pattern=`^[^\s,:]+:[0-9]{1,5}$`
	// +listType=set
	Brokers []string `json:"brokers"`
	// Group is the consumer group. Two pipelines may not share one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Group string `json:"group"`
	// Topics that the group reads.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=249
	// +listType=set
	Topics []string `json:"topics"`
	// Partitions is how many the topics have in all: replicas above
	// partitions / concurrency would be idle.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	Partitions *int32 `json:"partitions,omitempty"`
	// Concurrency is how many producers one pod runs (Broadway's producer concurrency).
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Concurrency int32 `json:"concurrency,omitempty"`
	// AuthenticationRef names KEDA's credentials for brokers that want some. Only with
	// lagPerReplica; the app takes its own from env.
	// +optional
	AuthenticationRef *AuthenticationReference `json:"authenticationRef,omitempty"`
}

// AuthenticationReference names an object of KEDA that holds credentials.
type AuthenticationReference struct {
	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Kind is TriggerAuthentication, of the same namespace, or ClusterTriggerAuthentication.
	// +kubebuilder:default=TriggerAuthentication
	// +kubebuilder:validation:Enum=TriggerAuthentication;ClusterTriggerAuthentication
	// +optional
	Kind string `json:"kind,omitempty"`
}
