package v1alpha1

import corev1 "k8s.io/api/core/v1"

// EnvVars is an environment that a team writes. What the plan itself sets is not in
// it, so that there is one place for each thing.
//
// +kubebuilder:validation:items:XValidation:rule="self.name != 'RELEASE_COOKIE'",message="the cookie comes from a Secret: name it in clustered.cookie.secretRef, in place of RELEASE_COOKIE",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!(self.name in ['RELEASE_NODE', 'RELEASE_NAME', 'RELEASE_DISTRIBUTION'])",message="node names are the plan's: set releaseName and clustered.identity, in place of RELEASE_NODE, RELEASE_NAME and RELEASE_DISTRIBUTION",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!self.name.startsWith('RELEASE_') || self.name in ['RELEASE_COOKIE', 'RELEASE_NODE', 'RELEASE_NAME', 'RELEASE_DISTRIBUTION']",message="RELEASE_* belongs to the plan and to the release's own script: set it in rel/env.sh.eex",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!(self.name in ['POD_NAME', 'POD_NAMESPACE', 'POD_IP'])",message="POD_NAME, POD_NAMESPACE and POD_IP are set already: leave them out",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!self.name.startsWith('PHIAL_')",message="PHIAL_* is what Phial tells the app: choose another name",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!(self.name in ['PORT', 'PHX_SERVER'])",message="PORT and PHX_SERVER follow http: set http.port in their place",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!(self.name in ['ELIXIR_ERL_OPTIONS', 'ERL_ZFLAGS'])",message="ELIXIR_ERL_OPTIONS and ERL_ZFLAGS hold the plan's own flags: set vm.flags in their place, or ERL_AFLAGS",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="self.name != 'ERL_AFLAGS' || !has(self.valueFrom)",message="the plan's own flags are put in front of those in ERL_AFLAGS, where it has any (TLS, IPv6): give a value here in place of valueFrom",reason=FieldValueForbidden,fieldPath=".valueFrom"
// +kubebuilder:validation:items:XValidation:rule="!(self.name in ['ERL_EPMD_ADDRESS', 'ERL_EPMD_PORT'])",message="where EPMD listens is the plan's: set clustered.distribution.epmd in place of ERL_EPMD_*",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!self.name.startsWith('ERL_CRASH_DUMP')",message="crash dumps are the plan's: set vm.crashDump in place of ERL_CRASH_DUMP*",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="self.name != 'ERL_DIST_PORT'",message="ERL_DIST_PORT does nothing in a release: set clustered.distribution.portRange in its place",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="self.name != 'HOSTNAME'",message="HOSTNAME is set by Kubernetes to the name of the pod: leave it out, and choose another name for another host",reason=FieldValueForbidden,fieldPath=".name"
// +kubebuilder:validation:items:XValidation:rule="!has(self.value) || size(self.value) == 0 || !has(self.valueFrom)",message="value and valueFrom contradict each other: keep one of them",reason=FieldValueForbidden,fieldPath=".valueFrom"
type EnvVars []corev1.EnvVar
