// Package plan works out every object that a BeamApp stands for. It is pure: a
// BeamApp in, values out, the same bytes each time. What has to agree (names,
// ports, selectors, environment, grace) is said once, in names.go and
// settings.go, and every object takes it from there.
//
// One file holds one kind of object, and its builder gives nil for an object
// that is not wanted. New does not validate: the API server and the manifest
// reader do, with the rules of api/v1alpha1. It refuses only what those rules
// can't see: a podTemplate patch that breaks the agreement.
package plan

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Options are what a BeamApp does not say.
type Options struct {
	// AgentImage is the image of phial-agent. Empty: there is none to be had, and
	// the plan is as with agent Disabled, with a warning.
	AgentImage string
}

// A Plan is everything that a BeamApp stands for. A nil field is not wanted.
type Plan struct {
	// App is the BeamApp with every default filled in.
	App *v1alpha1.BeamApp

	ServiceAccount  *corev1.ServiceAccount
	Role            *rbacv1.Role
	RoleBinding     *rbacv1.RoleBinding
	ConfigMap       *corev1.ConfigMap // files that the VM reads: TLS options, arguments of tools
	NetworkPolicy   *networkingv1.NetworkPolicy
	WorkerPolicy    *networkingv1.NetworkPolicy // of the app's other pods: pipelines, migration
	HeadlessService *corev1.Service             // governing Service: lists replicas before they are ready
	Service         *corev1.Service             // HTTP
	Ingress         *networkingv1.Ingress
	HTTPRoute       *unstructured.Unstructured
	Deployment      *appsv1.Deployment  // or
	StatefulSet     *appsv1.StatefulSet // by identity
	Autoscaler      *autoscalingv2.HorizontalPodAutoscaler
	Budget          *policyv1.PodDisruptionBudget
	Pipelines       []Pipeline
	Migration       *batchv1.Job

	// Cookie is the Secret that somebody has to make.
	Cookie CookieSource
	// Warnings say what the plan can't put right, in the order of the spec.
	Warnings []Warning
}

// A Pipeline is the workload of one pipeline.
type Pipeline struct {
	Name         string // as PHIAL_PIPELINE has it
	Deployment   *appsv1.Deployment
	Budget       *policyv1.PodDisruptionBudget
	ScaledObject *unstructured.Unstructured
}

// CookieSource is where the pods take the cookie from.
type CookieSource struct {
	SecretName string
	// Required says that no pod starts without it: the type is Clustered. Otherwise the
	// image may bring its own.
	Required bool
	// AgentKey says that the Secret holds the agents' key as well.
	AgentKey bool
}

// A Warning is something that the person who renders the plan should know.
type Warning struct {
	Path string `json:"path"` // of the field, such as spec.clustered.discovery
	Code string `json:"code,omitempty"`
	Text string `json:"text"`
	// ByHand is set on what an operator sees to: it matters to whoever applies the objects
	// by other means, and to nobody else.
	ByHand bool `json:"byHand,omitempty"`
}

// New works out the plan of app, which is not changed. Fields that are not set
// take their defaults. The error is about the podTemplate patch.
func New(app *v1alpha1.BeamApp, o Options) (*Plan, error) {
	s := newSettings(app, o)
	p := &Plan{
		App:             s.app,
		ServiceAccount:  serviceAccount(s),
		Role:            role(s),
		RoleBinding:     roleBinding(s),
		ConfigMap:       configMap(s),
		NetworkPolicy:   networkPolicy(s),
		WorkerPolicy:    workerPolicy(s),
		HeadlessService: headlessService(s),
		Service:         service(s),
		Ingress:         ingress(s),
		HTTPRoute:       httpRoute(s),
		Autoscaler:      autoscaler(s),
		Budget:          budget(s),
		Migration:       migration(s),
		Cookie:          s.cookie(),
		Warnings:        warnings(s),
	}
	var err error
	if p.Deployment, err = deployment(s); err != nil {
		return nil, err
	}
	if p.StatefulSet, err = statefulSet(s); err != nil {
		return nil, err
	}
	if p.Pipelines, err = pipelines(s); err != nil {
		return nil, err
	}
	return p, nil
}

// PodTemplate is that of the serving replicas.
func (p *Plan) PodTemplate() *corev1.PodTemplateSpec {
	if p.StatefulSet != nil {
		return &p.StatefulSet.Spec.Template
	}
	return &p.Deployment.Spec.Template
}
