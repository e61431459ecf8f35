package plan

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/phialdev/phial/api/v1alpha1"
)

// scaledObject is KEDA's (keda.sh/v1alpha1), as a plain value: its Go types would
// bring KEDA's whole module along. nil where nobody asked for scaling by lag.
//
// It scales down slowly, one pod at a time: each pod that comes or goes has the group
// deal its partitions out again, and all consumers wait for that (KAF-02, KAF-04).
func (s *settings) scaledObject(w workload) *unstructured.Unstructured {
	p := w.pipeline
	if !s.scaled(w) {
		return nil
	}
	triggers := make([]any, 0, len(p.Kafka.Topics))
	for _, topic := range p.Kafka.Topics {
		triggers = append(triggers, kafkaTrigger(p.Kafka, topic, *p.LagPerReplica))
	}
	spec := map[string]any{
		"scaleTargetRef": map[string]any{"name": w.name}, // a Deployment, where no kind is given
		"triggers":       triggers,
		"cooldownPeriod": int64(scaleDownWindowSeconds), // before the last pod goes
		"advanced": map[string]any{"horizontalPodAutoscalerConfig": map[string]any{"behavior": map[string]any{
			"scaleDown": map[string]any{
				"stabilizationWindowSeconds": int64(scaleDownWindowSeconds),
				"policies": []any{map[string]any{
					"type": "Pods", "value": int64(1), "periodSeconds": int64(s.scaleDownPeriod(w)),
				}},
			},
		}}},
	}
	least, most := pipelineBounds(p)
	spec["minReplicaCount"] = int64(least)
	if most > 0 {
		spec["maxReplicaCount"] = int64(most)
	}
	return s.custom("keda.sh/v1alpha1", "ScaledObject", s.besideMeta(w), spec)
}

// kafkaTrigger asks for one pod for each so many messages of topic that wait. KEDA
// takes the most that any trigger asks for.
func kafkaTrigger(k *v1alpha1.KafkaSpec, topic string, lag int64) map[string]any {
	metadata := map[string]any{
		"bootstrapServers": strings.Join(k.Brokers, ","),
		"consumerGroup":    k.Group,
		"topic":            topic,
		"lagThreshold":     strconv.FormatInt(lag, 10),
	}
	if k.Concurrency == 1 {
		// A partition has one consumer, so that one hot partition calls for one pod, however
		// long its queue. KEDA counts a pod as one consumer: of several in a pod this bound
		// would say nothing.
		metadata["limitToPartitionsWithLag"] = "true"
	}
	t := map[string]any{"type": "kafka", "metadata": metadata}
	if ref := k.AuthenticationRef; ref != nil {
		t["authenticationRef"] = map[string]any{"name": ref.Name, "kind": ref.Kind}
	}
	return t
}
