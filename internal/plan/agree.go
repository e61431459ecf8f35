package plan

import corev1 "k8s.io/api/core/v1"

func (s *settings) envProblems(w workload) []Problem { return nil }

func (s *settings) agree(w workload, base, merged corev1.PodTemplateSpec, patch map[string]any) []Problem {
	return nil
}
