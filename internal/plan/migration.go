package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// migrationRetries is how often a migration that failed is tried again, within its
// time: the database may be away for a moment, and most migrations are transactions.
const migrationRetries = 2

// migrationAnnotations have Helm and Argo CD run the Job to its end before they touch
// anything else. kubectl apply has no such thing, and warnings say so.
var migrationAnnotations = map[string]string{
	"helm.sh/hook":                          "pre-install,pre-upgrade",
	"helm.sh/hook-delete-policy":            "before-hook-creation",
	"argocd.argoproj.io/hook":               "PreSync",
	"argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
}

// migration is a Job of the app's image, environment and confinement, without a node.
// The podTemplate patch is not for it: beside a container that the patch adds, it would
// never be over.
//
// It is not cleaned up by age (ttlSecondsAfterFinished): what applies the same
// manifests again and again would take its absence for a reason to run it again.
func migration(s *settings) *batchv1.Job {
	m := s.spec.Migration
	if m == nil {
		return nil
	}
	w := s.migrationWorkload()
	t := s.podTemplate(w)
	t.Spec.Containers[0].Command = m.Command
	// A hook runs before the account of the app's own name is there.
	t.Spec.ServiceAccountName = s.spec.ServiceAccountName
	t.Spec.RestartPolicy = corev1.RestartPolicyNever // each try is a pod whose log stays
	meta := s.workloadMeta(w)
	meta.Name += "-" + templateHash(t)
	meta.Annotations = maps.Clone(migrationAnnotations)
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: meta,
		Spec: batchv1.JobSpec{
			Completions:           new(int32(1)),
			Parallelism:           new(int32(1)),
			BackoffLimit:          new(int32(migrationRetries)),
			ActiveDeadlineSeconds: new(int64(m.TimeoutSeconds)),
			// The next try waits until the last is really over: two at once is what
			// migrations must never be (DBM-01).
			PodReplacementPolicy: new(batchv1.Failed),
			Template:             t,
		},
	}
}

// templateHash is part of the Job's name. A Job's template can't be changed, so another
// template has to be another Job; and a rollout that changes nothing that the migration
// sees needs none.
func templateHash(t corev1.PodTemplateSpec) string {
	b, err := json.Marshal(t)
	if err != nil {
		panic("plan: a pod template that is no JSON: " + err.Error()) // plain data: can't be
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}
