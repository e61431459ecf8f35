package cluster

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/beam"
)

// nodeOf gives the node name that a container's environment says, as the kubelet makes
// it; empty where it says none, or is not to be known from the pod's own object.
func nodeOf(p *corev1.Pod, c *corev1.Container) string {
	name := environment(p, c)[beam.EnvReleaseNode]
	if _, err := beam.ParseName(name); err != nil {
		return ""
	}
	return name
}

// environment gives the variables of a container that are known: those with a value, and
// those of the pod's fields.
func environment(p *corev1.Pod, c *corev1.Container) map[string]string {
	env := map[string]string{}
	for _, v := range c.Env {
		switch {
		case v.ValueFrom == nil:
			env[v.Name] = expand(v.Value, env)
		case v.ValueFrom.FieldRef != nil:
			if value, known := field(p, v.ValueFrom.FieldRef.FieldPath); known {
				env[v.Name] = value
			}
		}
	}
	return env
}

// field gives a field of a pod by the path that the downward API has for it.
func field(p *corev1.Pod, path string) (value string, known bool) {
	switch path {
	case "metadata.name":
		value = p.Name
	case "metadata.namespace":
		value = p.Namespace
	case "status.podIP":
		value = p.Status.PodIP
	case "status.hostIP":
		value = p.Status.HostIP
	case "spec.nodeName":
		value = p.Spec.NodeName
	default:
		if key, ok := subscript(path, "metadata.labels"); ok {
			value = p.Labels[key]
		} else if key, ok := subscript(path, "metadata.annotations"); ok {
			value = p.Annotations[key]
		}
	}
	return value, value != ""
}

// subscript takes the key out of name['key'].
func subscript(path, name string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(path, name+"['")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "']")
}

// expand replaces $(NAME) by what stands before it in the environment, as the kubelet
// does: $$ stands for $, and what is not defined stays as it stands.
func expand(s string, env map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		value, defined := env[name]
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			s = rest[1:]
		case strings.HasPrefix(rest, "(") && closed && defined:
			b.WriteString(value)
			s = after
		default:
			b.WriteByte('$')
			s = rest
		}
	}
}
