package plan

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The slow scaling down of what loses something when a replica leaves: state that is
// handed over, or partitions that are dealt out again.
const (
	scaleDownWindowSeconds = 300  // the highest wish of that long counts
	scaleDownPeriodMin     = 60   // seconds from one leaving replica to the next, at least
	scaleDownPeriodMax     = 1800 // the most that the API takes
)

// autoscaler scales the serving replicas. It looks at the app's container alone: an
// agent or a mesh's proxy beside it would water the mean down, and one of them without
// a request would stop the scaling.
func autoscaler(s *settings) *autoscalingv2.HorizontalPodAutoscaler {
	a := s.spec.Autoscaling
	if a == nil {
		return nil
	}
	o := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: s.meta(s.app.Name, ComponentNode),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
				APIVersion: "apps/v1", Kind: s.workloadKind(), Name: s.nodes.name,
			},
			MinReplicas: new(a.MinReplicas),
			MaxReplicas: a.MaxReplicas,
		},
	}
	for _, m := range []struct {
		name   corev1.ResourceName
		target *int32
	}{
		{corev1.ResourceCPU, a.TargetCPUUtilizationPercentage},
		{corev1.ResourceMemory, a.TargetMemoryUtilizationPercentage},
	} {
		if m.target == nil {
			continue
		}
		o.Spec.Metrics = append(o.Spec.Metrics, autoscalingv2.MetricSpec{
			Type: autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
				Name: m.name, Container: ContainerApp,
				Target: autoscalingv2.MetricTarget{
					Type: autoscalingv2.UtilizationMetricType, AverageUtilization: m.target,
				},
			},
		})
	}
	if s.clustered {
		o.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleDown: &autoscalingv2.HPAScalingRules{
				StabilizationWindowSeconds: new(int32(scaleDownWindowSeconds)),
				Policies: []autoscalingv2.HPAScalingPolicy{{
					Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: s.scaleDownPeriod(s.nodes),
				}},
			},
		}
	}
	return o
}

// scaleDownPeriod is how long the next replica stays after one was told to leave, in
// seconds: until that one is gone, so that they leave one at a time.
func (s *settings) scaleDownPeriod(w workload) int32 {
	return int32(min(max(s.graceSeconds(w), scaleDownPeriodMin), scaleDownPeriodMax))
}

// workloadKind is what runs the serving replicas.
func (s *settings) workloadKind() string {
	if s.stable {
		return "StatefulSet"
	}
	return "Deployment"
}

// mostReplicas is how many replicas serve at the most.
func (s *settings) mostReplicas() int32 {
	if a := s.spec.Autoscaling; a != nil {
		return a.MaxReplicas
	}
	return value(s.spec.Replicas)
}
