package v1alpha1

import corev1 "k8s.io/api/core/v1"

// PipelineSpec is a workload of its own from the same image: one Broadway
// pipeline in each pod.
//
// +kubebuilder:validation:XValidation:rule="!has(self.lagPerReplica) || has(self.kafka)",message="lagPerReplica counts the messages that wait in Kafka: say in kafka what the pipeline reads, or take lagPerReplica out",reason=FieldValueRequired,fieldPath=".kafka"
// +kubebuilder:validation:XValidation:rule="!has(self.maxReplicas) || has(self.lagPerReplica)",message="maxReplicas bounds what KEDA does, and without lagPerReplica it does nothing: set lagPerReplica, or use replicas",reason=FieldValueForbidden,fieldPath=".maxReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas is above maxReplicas",fieldPath=".minReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.kafka) || !has(self.kafka.partitions) || has(self.lagPerReplica) || self.replicas * self.kafka.concurrency <= self.kafka.partitions",message="replicas times kafka.concurrency is more than kafka.partitions, and what is above them has nothing to read: lower replicas or concurrency",fieldPath=".replicas"
// +kubebuilder:validation:XValidation:rule="!has(self.kafka) || !has(self.kafka.partitions) || !has(self.lagPerReplica) || self.minReplicas * self.kafka.concurrency <= self.kafka.partitions",message="minReplicas times kafka.concurrency is more than kafka.partitions, and what is above them has nothing to read: lower minReplicas or concurrency",fieldPath=".minReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.kafka) || !has(self.kafka.partitions) || !has(self.maxReplicas) || self.maxReplicas * self.kafka.concurrency <= self.kafka.partitions",message="maxReplicas times kafka.concurrency is more than kafka.partitions, and what is above them has nothing to read: lower maxReplicas or concurrency",fieldPath=".maxReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.kafka) || !has(self.kafka.authenticationRef) || has(self.lagPerReplica)",message="authenticationRef is read by KEDA alone: set lagPerReplica, or take it out and give the app its credentials in env",reason=FieldValueForbidden,fieldPath=".kafka.authenticationRef"
type PipelineSpec struct {
	// name is told to the pod in PHIAL_PIPELINE. The Deployment is APP-NAME.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// kafka is what the pipeline reads.
	// +optional
	Kafka *KafkaSpec `json:"kafka,omitempty"`

	// replicas is how many pods run it; left to KEDA where lagPerReplica is set.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// minReplicas is KEDA's lower bound; 0 lets an idle pipeline stop.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// maxReplicas is KEDA's upper bound. Default, and never more than: as many as there
	// are partitions for. Only with lagPerReplica.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`

	// lagPerReplica makes a KEDA ScaledObject: one replica for each so many messages that
	// wait. Needs kafka.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	// +optional
	LagPerReplica *int64 `json:"lagPerReplica,omitempty"`

	// drainTimeoutSeconds is how long messages in flight may take to be handled and
	// committed, in place of shutdown.drainTimeoutSeconds.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	// +optional
	DrainTimeoutSeconds *int32 `json:"drainTimeoutSeconds,omitempty"`

	// resources in place of the app's.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// env beside the app's own; of two with the same name this one counts.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=name
	// +optional
	Env EnvVars `json:"env,omitempty"`
}

// Broker is host:port of a Kafka broker.
//
// +kubebuilder:validation:MaxLength=261
// +kubebuilder:validation:XValidation:rule="self.matches('^[^[:space:],:]+:[1-9][0-9]{0,4}$') && int(self.split(':')[1]) <= 65535",message="must be host:port, such as kafka:9092, with a port of 1 to 65535"
type Broker = string

// KafkaSpec is what a pipeline reads. It is told to the pod in
// PHIAL_KAFKA_BROKERS, PHIAL_KAFKA_GROUP and PHIAL_KAFKA_TOPICS, with commas.
type KafkaSpec struct {
	// brokers are host:port.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	Brokers []Broker `json:"brokers"`
	// group is the consumer group. Two pipelines may not share one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[^\s,]+$`
	Group string `json:"group"`
	// topics that the group reads.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=249
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9._-]+$`
	// +listType=set
	Topics []string `json:"topics"`
	// partitions is how many the topics have in all: replicas above
	// partitions / concurrency would be idle.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	Partitions *int32 `json:"partitions,omitempty"`
	// concurrency is how many producers one pod runs (Broadway's producer concurrency).
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Concurrency int32 `json:"concurrency,omitempty"`
	// authenticationRef names KEDA's credentials for brokers that want some. Only with
	// lagPerReplica; the app takes its own from env.
	// +optional
	AuthenticationRef *AuthenticationReference `json:"authenticationRef,omitempty"`
}

// AuthenticationReference names an object of KEDA that holds credentials.
type AuthenticationReference struct {
	// name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// kind is TriggerAuthentication, of the same namespace, or ClusterTriggerAuthentication.
	// +kubebuilder:default=TriggerAuthentication
	// +kubebuilder:validation:Enum=TriggerAuthentication;ClusterTriggerAuthentication
	// +optional
	Kind string `json:"kind,omitempty"`
}
