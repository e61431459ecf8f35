package cluster

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/internal/agent/foreign"
	"github.com/phialdev/phial/internal/plan"
)

const (
	probeName      = "phial-probe"
	componentProbe = "probe"
	labelProbe     = "phial.dev/probe" // on every such pod; for NetworkPolicies that let it in
	probeCookieDir = "/var/run/phial/cookie"
	// probeLife ends a pod that nobody removed: the kubelet counts it.
	probeLife = 120 * time.Second
)

// probePod is a pod that looks at nodes and ends. It has no rights, in Kubernetes or on
// its machine, and the cookie as a file alone. It may run where the pods do that it looks
// at, and gets images as they do.
func probePod(namespace string, f Foreign, task foreign.Task, like *corev1.Pod) (*corev1.Pod, error) {
	text, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	secret, key, _ := strings.Cut(f.Cookie, "/")
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: probeName + "-" + strings.ToLower(rand.Text()[:8]), Namespace: namespace,
			Labels: map[string]string{
				plan.LabelName: probeName, plan.LabelComponent: componentProbe, plan.LabelManagedBy: plan.ManagedBy, labelProbe: "true",
				"sidecar.istio.io/inject": "false", // with a proxy in it a pod does not end
			},
			Annotations: map[string]string{
				"phial.dev/what":      "made by `phial mesh --selector` for one look at BEAM nodes; it may be deleted at any time",
				"linkerd.io/inject":   "disabled",
				"phial.dev/looked-at": f.Selector,
			},
		},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(probeLife.Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			ImagePullSecrets:              like.Spec.ImagePullSecrets,
			NodeSelector:                  like.Spec.NodeSelector,
			Tolerations:                   like.Spec.Tolerations,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   new(true),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name:  probeName,
				Image: f.Image,
				Args:  []string{"probe", "--cookie-file", probeCookieDir + "/" + plan.CookieKey, string(text)},
				Resources: corev1.ResourceRequirements{
					Requests: resources("50m", "32Mi"),
					Limits:   resources("500m", "128Mi"),
				},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false),
					Privileged:               new(false),
					ReadOnlyRootFilesystem:   new(true),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				VolumeMounts: []corev1.VolumeMount{{Name: "cookie", MountPath: probeCookieDir, ReadOnly: true}},
			}},
			// Anybody in this pod may read it, and nobody else is in it.
			Volumes: []corev1.Volume{{Name: "cookie", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: secret, DefaultMode: new(int32(0o444)),
				Items: []corev1.KeyToPath{{Key: key, Path: plan.CookieKey}},
			}}}},
		},
	}, nil
}

func resources(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		corev1.ResourceEphemeralStorage: resource.MustParse("32Mi"),
	}
}
