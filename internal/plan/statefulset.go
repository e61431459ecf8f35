package plan

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// statefulSet runs the serving replicas that are Stable.
//
// Its pods start all at once: a replica is ready when it has joined the others, so one
// after the other they would wait for ever (STA-06), and a bad image would stay.
func statefulSet(s *settings) (*appsv1.StatefulSet, error) {
	if !s.stable {
		return nil, nil
	}
	w := s.nodes
	template, err := s.patchedTemplate(w)
	if err != nil {
		return nil, err
	}
	set := &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: s.workloadMeta(w),
		Spec: appsv1.StatefulSetSpec{
			Replicas:            s.replicas(w),
			Selector:            &metav1.LabelSelector{MatchLabels: s.selector(w)},
			ServiceName:         s.headless(),
			Template:            template,
			PodManagementPolicy: appsv1.ParallelPodManagement,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(s.partition())},
			},
			MinReadySeconds:      value(s.spec.Rollout.MinReadySeconds),
			RevisionHistoryLimit: new(int32(revisions)),
			// Who scales down, or deletes by mistake, keeps the data.
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
				WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
			},
		},
	}
	if st := s.cluster.Storage; st != nil {
		set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
			// It can't be changed, so it carries nothing that may: no version.
			ObjectMeta: metav1.ObjectMeta{Name: VolumeData, Labels: s.selector(w)},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				StorageClassName: st.StorageClassName,
				VolumeMode:       new(corev1.PersistentVolumeFilesystem),
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: st.Size},
				},
			},
		}}
	}
	return set, nil
}

// partition is the first ordinal that a rollout may touch. A StatefulSet can't be paused;
// one whose partition is past its last replica stays as it is.
func (s *settings) partition() int32 {
	if !s.spec.Paused {
		return 0
	}
	if a := s.spec.Autoscaling; a != nil {
		return max(a.MaxReplicas, a.MinReplicas)
	}
	return value(s.spec.Replicas)
}
