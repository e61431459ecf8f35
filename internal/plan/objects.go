package plan

import (
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is any of the plan's.
type Object interface {
	metav1.Object
	runtime.Object
}

// Objects are all that the plan wants, in the order to apply them: what pods are
// confined by and read before the pods, the migration before what it prepares for, and
// what leads traffic in at the end.
func (p *Plan) Objects() []Object {
	var all []Object
	add := func(list ...Object) {
		for _, o := range list {
			if !reflect.ValueOf(o).IsNil() { // of a type that is known, but not wanted
				all = append(all, o)
			}
		}
	}
	add(p.ServiceAccount, p.Role, p.RoleBinding, p.ConfigMap,
		p.NetworkPolicy, p.WorkerPolicy, p.HeadlessService, p.Service, p.Migration,
		p.Deployment, p.StatefulSet, p.Budget, p.Autoscaler)
	for _, l := range p.Pipelines {
		add(l.Deployment, l.Budget, l.ScaledObject)
	}
	add(p.Ingress, p.HTTPRoute)
	return all
}
