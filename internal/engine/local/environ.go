package local

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// variable is one name of a container's environment.
type variable struct {
	name, value string
	cookie      bool // it holds the cookie
}

// missing is a variable whose value is in the cluster alone.
type missing struct{ name, from string }

// surroundings is where a container's environment takes its values from.
type surroundings struct {
	field     func(path string) (string, bool)                  // of the pod
	secret    func(name, key string) (string, bool)             // of the cluster
	configMap func(name, key string) (string, bool)             // of the cluster
	outside   func(name string) (string, bool)                  // what the person at this machine gives
	here      func(name, value string) (value2 string, ok bool) // how it differs here; not ok: not at all
	cookie    string
}

// environment works out a container's environment as the kubelet does, in order, each
// value with what stands before it; what differs here takes effect where it is
// defined, so that what refers to it agrees. (What envFrom brings comes from the
// outside as it is.)
func environment(c *corev1.Container, from surroundings) (vars []variable, lost []missing) {
	at := map[string]int{}
	defined := func(name string) (string, bool) {
		i, ok := at[name]
		if !ok && len(c.EnvFrom) > 0 {
			return from.outside(name)
		} else if !ok {
			return "", false
		}
		return vars[i].value, true
	}
	for _, e := range c.Env {
		value, ok := expand(e.Value, defined), true
		if e.ValueFrom != nil {
			var where string
			if value, where, ok = from.valueOf(e, c); !ok && where != "" {
				lost = append(lost, missing{e.Name, where})
			}
		}
		if !ok {
			continue
		}
		if value, ok = from.here(e.Name, value); !ok {
			continue
		}
		v := variable{name: e.Name, value: value, cookie: from.cookie != "" && strings.Contains(value, from.cookie)}
		if i, again := at[e.Name]; again {
			vars[i] = v
			continue
		}
		at[e.Name] = len(vars)
		vars = append(vars, v)
	}
	return vars, lost
}

// valueOf gives the value of a variable that comes from elsewhere. Where there is none,
// where says what it was to come from; empty: it is optional.
func (from surroundings) valueOf(e corev1.EnvVar, c *corev1.Container) (value, where string, ok bool) {
	optional := false
	isTrue := func(b *bool) bool { return b != nil && *b }
	switch src := e.ValueFrom; {
	case src.FieldRef != nil:
		where = "field " + src.FieldRef.FieldPath
		value, ok = from.field(src.FieldRef.FieldPath)
	case src.SecretKeyRef != nil:
		where, optional = "Secret "+src.SecretKeyRef.Name, isTrue(src.SecretKeyRef.Optional)
		value, ok = from.secret(src.SecretKeyRef.Name, src.SecretKeyRef.Key)
	case src.ConfigMapKeyRef != nil:
		where, optional = "ConfigMap "+src.ConfigMapKeyRef.Name, isTrue(src.ConfigMapKeyRef.Optional)
		value, ok = from.configMap(src.ConfigMapKeyRef.Name, src.ConfigMapKeyRef.Key)
	case src.ResourceFieldRef != nil:
		where = "resource " + src.ResourceFieldRef.Resource
		value, ok = resourceOf(c, src.ResourceFieldRef)
	case src.FileKeyRef != nil:
		where, optional = "volume "+src.FileKeyRef.VolumeName, isTrue(src.FileKeyRef.Optional)
	}
	if !ok {
		value, ok = from.outside(e.Name)
	}
	if !ok && optional {
		where = ""
	}
	return value, where, ok
}

// resourceOf gives a container's own limit or request, in the unit of the divisor.
func resourceOf(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, bool) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	list := c.Resources.Limits
	if kind == "requests" {
		list = c.Resources.Requests
	}
	q, ok := list[corev1.ResourceName(name)]
	if !ok {
		return "", false
	}
	unit := 1.0
	if d := ref.Divisor.AsApproximateFloat64(); d > 0 {
		unit = d
	}
	return strconv.FormatInt(int64(math.Ceil(q.AsApproximateFloat64()/unit)), 10), true
}

// podField answers a fieldRef as the API server would of this replica's pod.
func podField(t *corev1.PodTemplateSpec, name, namespace, ip string, path string) (string, bool) {
	if key, ok := subscript(path, "metadata.labels"); ok {
		return t.Labels[key], true
	}
	if key, ok := subscript(path, "metadata.annotations"); ok {
		return t.Annotations[key], true
	}
	switch path {
	case "metadata.name":
		return name, true
	case "metadata.namespace":
		return namespace, true
	case "metadata.uid":
		return "local-" + name, true
	case "spec.nodeName":
		host, err := os.Hostname()
		return host, err == nil
	case "spec.serviceAccountName":
		return t.Spec.ServiceAccountName, true
	case "status.podIP", "status.podIPs":
		return ip, true
	case "status.hostIP", "status.hostIPs":
		return "127.0.0.1", true
	}
	return "", false
}

// subscript takes KEY of FIELD['KEY'].
func subscript(path, field string) (string, bool) {
	rest, ok := strings.CutPrefix(path, field+"['")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "']")
}

// lostError says what is not here, and how to give it.
func lostError(lost []missing) error {
	if len(lost) == 0 {
		return nil
	}
	from := map[string][]string{}
	for _, m := range lost {
		if !slices.Contains(from[m.from], m.name) {
			from[m.from] = append(from[m.from], m.name)
		}
	}
	var parts []string
	for _, where := range sortedKeys(from) {
		parts = append(parts, strings.Join(from[where], ", ")+" (of "+where+")")
	}
	return fmt.Errorf("no value here for %s: set it in your environment, or give it with --env NAME=VALUE or --env-file FILE", strings.Join(parts, "; "))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
