// Package v1alpha1 is the BeamApp, the one resource that a team writes: the
// types, their defaults and the rules that a value must keep. It holds no logic
// beyond that; what follows from a BeamApp is worked out in internal/plan.
//
// Rules stand as CEL beside the fields that they are about, so that the API
// server, the command line and the operator refuse the same things in the same
// words; a change that can't be made in place is refused by a transition rule.
//
// +kubebuilder:object:generate=true
// +groupName=phial.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is phial.dev/v1alpha1.
var GroupVersion = schema.GroupVersion{Group: "phial.dev", Version: "v1alpha1"}

// Kind is the kind of a BeamApp.
const Kind = "BeamApp"

// AddToScheme tells a scheme of the types of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &BeamApp{}, &BeamAppList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
