package manifest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// shape is what Kubernetes takes in a place, by the Go types of its API.
type shape struct {
	of      shapeKind
	bits    int             // of a number
	allowed []string        // words, where these are all
	items   func() *shape   // of a list, and of a mapping's values
	fields  func() *members // of what has fields
}

type shapeKind uint8

const (
	anything shapeKind = iota
	aText
	aNumber
	aTruth
	aQuantity
	aNumberOrText
	base64Text
	aList
	aMapping  // from names that are free
	aSentence // a mapping whose names are fields
)

// members are the fields that a mapping may have.
type members struct {
	by    map[string]*shape
	names []string // sorted
}

// kinds are the objects whose shape is known. It is made when it is first asked for, as shapes are.
var kinds = sync.OnceValue(func() map[[2]string]reflect.Type {
	m := map[[2]string]reflect.Type{}
	for version, objects := range map[string][]any{
		"v1": {
			corev1.Pod{}, corev1.Service{}, corev1.ConfigMap{}, corev1.Secret{}, corev1.ServiceAccount{}, corev1.Namespace{},
			corev1.PersistentVolumeClaim{}, corev1.ReplicationController{},
		},
		"apps/v1":                      {appsv1.Deployment{}, appsv1.StatefulSet{}, appsv1.DaemonSet{}, appsv1.ReplicaSet{}},
		"batch/v1":                     {batchv1.Job{}, batchv1.CronJob{}},
		"networking.k8s.io/v1":         {networkingv1.Ingress{}, networkingv1.NetworkPolicy{}},
		"policy/v1":                    {policyv1.PodDisruptionBudget{}},
		"autoscaling/v2":               {autoscalingv2.HorizontalPodAutoscaler{}},
		"rbac.authorization.k8s.io/v1": {rbacv1.Role{}, rbacv1.RoleBinding{}, rbacv1.ClusterRole{}, rbacv1.ClusterRoleBinding{}},
	} {
		for _, o := range objects {
			t := reflect.TypeOf(o)
			m[[2]string{version, t.Name()}] = t
		}
	}
	return m
})

// words are types of texts of which Kubernetes takes these alone.
var words = sync.OnceValue(func() map[reflect.Type][]string {
	m := map[reflect.Type][]string{}
	add := func(of any, words ...string) { m[reflect.TypeOf(of)] = words }
	add(corev1.PullAlways, "Always", "IfNotPresent", "Never")
	add(corev1.RestartPolicyAlways, "Always", "OnFailure", "Never")
	add(corev1.ContainerRestartPolicyAlways, "Always", "OnFailure", "Never")
	add(corev1.DNSClusterFirst, "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
	add(corev1.ProtocolTCP, "TCP", "UDP", "SCTP")
	add(corev1.URISchemeHTTP, "HTTP", "HTTPS")
	add(corev1.ServiceTypeClusterIP, "ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
	add(corev1.IPv4Protocol, "IPv4", "IPv6")
	add(corev1.IPFamilyPolicySingleStack, "SingleStack", "PreferDualStack", "RequireDualStack")
	add(corev1.ReadWriteOnce, "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
	add(appsv1.RecreateDeploymentStrategyType, "Recreate", "RollingUpdate")
	add(appsv1.OnDeleteStatefulSetStrategyType, "RollingUpdate", "OnDelete")
	add(appsv1.OrderedReadyPodManagement, "OrderedReady", "Parallel")
	add(batchv1.AllowConcurrent, "Allow", "Forbid", "Replace")
	add(networkingv1.PolicyTypeIngress, "Ingress", "Egress")
	add(networkingv1.PathTypePrefix, "Exact", "Prefix", "ImplementationSpecific")
	return m
})

var (
	shapes      sync.Map // by reflect.Type
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

// shapeOf makes a type's shape. What is below a struct, a list or a mapping is made when somebody goes there.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, newShape(t))
	return s.(*shape)
}

func newShape(t reflect.Type) *shape {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return &shape{of: aQuantity}
	case reflect.TypeFor[intstr.IntOrString]():
		return &shape{of: aNumberOrText}
	case reflect.TypeFor[[]byte]():
		return &shape{of: base64Text}
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshaler) {
		return &shape{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.String:
		return &shape{of: aText, allowed: words()[t]}
	case reflect.Bool:
		return &shape{of: aTruth}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &shape{of: aNumber, bits: t.Bits()}
	case reflect.Slice:
		return &shape{of: aList, items: sync.OnceValue(func() *shape { return shapeOf(t.Elem()) })}
	case reflect.Map:
		return &shape{of: aMapping, items: sync.OnceValue(func() *shape { return shapeOf(t.Elem()) })}
	case reflect.Struct:
		return &shape{of: aSentence, fields: sync.OnceValue(func() *members { return membersOf(t) })}
	}
	return &shape{}
}

func membersOf(t reflect.Type) *members {
	f := &members{by: map[string]*shape{}}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name == "" && (field.Anonymous || strings.Contains(options, "inline")):
			inner := shapeOf(field.Type)
			if inner.fields == nil {
				continue
			}
			for name, s := range inner.fields().by {
				f.by[name] = s
			}
		case name != "":
			f.by[name] = shapeOf(field.Type)
		}
	}
	for name := range f.by {
		f.names = append(f.names, name)
	}
	slices.Sort(f.names)
	return f
}
