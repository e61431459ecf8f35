package plan

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/api/v1alpha1"
)

// spread keeps the pods of a workload apart, by zone and by machine. Those of a
// Deployment are counted by revision: the old ones are about to go, and would push the
// new ones together.
func (s *settings) spread(w workload) []corev1.TopologySpreadConstraint {
	if !w.node {
		return nil
	}
	var all []corev1.TopologySpreadConstraint
	for _, c := range []struct {
		key  string
		want v1alpha1.Spread
	}{
		{corev1.LabelTopologyZone, s.spec.TopologySpread.Zone},
		{corev1.LabelHostname, s.spec.TopologySpread.Node},
	} {
		if c.want == v1alpha1.SpreadDisabled {
			continue
		}
		t := corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: c.key,
			WhenUnsatisfiable: corev1.UnsatisfiableConstraintAction(c.want),
			LabelSelector:     &metav1.LabelSelector{MatchLabels: s.selector(w)},
		}
		if !w.distributed || !s.stable {
			t.MatchLabelKeys = []string{"pod-template-hash"}
		}
		all = append(all, t)
	}
	return all
}
