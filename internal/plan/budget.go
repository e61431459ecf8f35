package plan

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/api/v1alpha1"
)

// budget lets node drains take one serving replica at a time.
func budget(s *settings) *policyv1.PodDisruptionBudget {
	return s.budgetFor(s.nodes, s.mostReplicas())
}

// budgetFor is the budget of a workload that has at most so many pods. A single one
// has none: any budget that lets it go when its machine is drained, as it must,
// protects nothing and only looks as if it did. AlwaysAllow lets a pod go that is not
// ready anyway: the default refuses to evict broken replicas as soon as two are, and
// the machine can't be drained.
func (s *settings) budgetFor(w workload, most int32) *policyv1.PodDisruptionBudget {
	if s.spec.DisruptionBudget == v1alpha1.Disabled || most < 2 {
		return nil
	}
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: s.besideMeta(w),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             new(intstr.FromInt32(1)),
			Selector:                   &metav1.LabelSelector{MatchLabels: s.selector(w)},
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	}
}
