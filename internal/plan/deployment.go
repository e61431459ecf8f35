package plan

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// revisions are kept to go back to. Each is a ReplicaSet or ControllerRevision that
// every reader of the namespace lists; nobody goes back further than this.
const revisions = 5

// pullSeconds is what a rollout may take beside booting before it counts as stuck: to
// find a machine, and to pull an image onto it.
const pullSeconds = 480

// deployment runs the serving replicas, unless they are Stable.
func deployment(s *settings) (*appsv1.Deployment, error) {
	if s.stable {
		return nil, nil
	}
	return s.newDeployment(s.nodes)
}

// newDeployment is that of any workload. During a rollout there are always as many pods
// as wanted: a new one is there before an old one goes.
func (s *settings) newDeployment(w workload) (*appsv1.Deployment, error) {
	template, err := s.patchedTemplate(w)
	if err != nil {
		return nil, err
	}
	ready := value(s.spec.Rollout.MinReadySeconds)
	surge := intstr.FromInt32(1)
	if s.spec.Rollout.MaxSurge != nil {
		surge = *s.spec.Rollout.MaxSurge
	}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: s.workloadMeta(w),
		Spec: appsv1.DeploymentSpec{
			Replicas: s.replicas(w),
			Selector: &metav1.LabelSelector{MatchLabels: s.selector(w)},
			Template: template,
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxSurge: &surge, MaxUnavailable: new(intstr.FromInt32(0)),
				},
			},
			MinReadySeconds:         ready,
			RevisionHistoryLimit:    new(int32(revisions)),
			Paused:                  s.spec.Paused,
			ProgressDeadlineSeconds: new(s.spec.Health.StartTimeoutSeconds + ready + pullSeconds),
		},
	}, nil
}

// replicas is nil where something else says how many.
func (s *settings) replicas(w workload) *int32 {
	switch {
	case s.scaled(w):
		return nil
	case w.pipeline != nil:
		return new(value(w.pipeline.Replicas))
	}
	return new(value(s.spec.Replicas))
}
