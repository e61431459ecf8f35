package plan

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// httpRoute is an HTTPRoute of the Gateway API (gateway.networking.k8s.io/v1), as a
// plain value: that API's Go types are a module of their own, for one object.
func httpRoute(s *settings) *unstructured.Unstructured {
	if s.spec.HTTP == nil || s.spec.HTTP.Gateway == nil {
		return nil
	}
	g := s.spec.HTTP.Gateway
	parents := make([]any, 0, len(g.ParentRefs))
	for _, ref := range g.ParentRefs {
		p := map[string]any{"name": ref.Name}
		if ref.Namespace != "" {
			p["namespace"] = ref.Namespace
		}
		if ref.SectionName != "" {
			p["sectionName"] = ref.SectionName
		}
		parents = append(parents, p)
	}
	spec := map[string]any{
		"parentRefs": parents,
		"rules": []any{map[string]any{
			"matches": []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			// A Gateway knows a Service's ports by number alone.
			"backendRefs": []any{map[string]any{"name": s.app.Name, "port": int64(s.spec.HTTP.ServicePort)}},
		}},
	}
	if len(g.Hosts) > 0 {
		spec["hostnames"] = anys(g.Hosts)
	}
	return s.custom("gateway.networking.k8s.io/v1", "HTTPRoute", s.meta(s.app.Name, ComponentNode), spec)
}
