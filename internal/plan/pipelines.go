package plan

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/api/v1alpha1"
)

// pipelines are the workloads of the pipelines, in the order of the spec.
func pipelines(s *settings) ([]Pipeline, error) {
	var all []Pipeline
	for i := range s.spec.Pipelines {
		w := s.pipelineWorkload(i)
		d, err := s.newDeployment(w)
		if err != nil {
			return nil, err
		}
		withoutSurge(d)
		_, most := pipelineBounds(w.pipeline)
		if !s.scaled(w) {
			most = pipelineReplicas(w.pipeline)
			d.Spec.Replicas = new(most)
		} else if most == 0 {
			most = kedaMaxReplicas
		}
		all = append(all, Pipeline{
			Name:         w.pipeline.Name,
			Deployment:   d,
			Budget:       s.budgetFor(w, most),
			ScaledObject: s.scaledObject(w),
		})
	}
	return all, nil
}

// kedaMaxReplicas is KEDA's own bound where a ScaledObject gives none.
const kedaMaxReplicas = 100

// withoutSurge has an old pod leave before a new one comes: a pod too many would take
// partitions only to give them back (KAF-02).
func withoutSurge(d *appsv1.Deployment) {
	d.Spec.Strategy = appsv1.DeploymentStrategy{
		Type: appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDeployment{
			MaxSurge:       new(intstr.FromInt32(0)),
			MaxUnavailable: new(intstr.FromInt32(1)),
		},
	}
}

// pipelineReplicas is how many pods run it where KEDA does not say: as many as wanted,
// but no more than have a partition to read (KAF-03).
func pipelineReplicas(p *v1alpha1.PipelineSpec) int32 {
	n := value(p.Replicas)
	if most := partitionReplicas(p.Kafka); most > 0 {
		n = min(n, most)
	}
	return n
}

// pipelineBounds are KEDA's. No known upper bound is 0.
func pipelineBounds(p *v1alpha1.PipelineSpec) (least, most int32) {
	most = value(p.MaxReplicas)
	if n := partitionReplicas(p.Kafka); n > 0 && (most == 0 || n < most) {
		most = n
	}
	least = value(p.MinReplicas)
	if most > 0 {
		least = min(least, most)
	}
	return least, most
}

// partitionReplicas is how many pods there are partitions for, at least 1; 0 where
// nobody knows.
func partitionReplicas(k *v1alpha1.KafkaSpec) int32 {
	if k == nil || k.Partitions == nil {
		return 0
	}
	return max(*k.Partitions/max(k.Concurrency, 1), 1)
}
