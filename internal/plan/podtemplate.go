package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// patchPath is where the patch stands in a BeamApp.
const patchPath = "spec.podTemplate"

// A PatchError is what is wrong with the podTemplate patch, or with what a team put
// beside the plan's own values: the pods would not be what the other objects say.
type PatchError struct {
	// Of names the pods: empty for the serving replicas, else such as "pipeline orders".
	// Where all pods share the problem, it is said of the first.
	Of       string
	Problems []Problem
}

// A Problem is one thing that is wrong.
type Problem struct {
	Path string `json:"path"` // in the BeamApp, such as spec.podTemplate.spec.hostNetwork
	Text string `json:"text"` // what is wrong there and what to do
}

func (e *PatchError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Path + ": " + p.Text
	}
	s := strings.Join(lines, "\n")
	if e.Of != "" {
		s = "in the pods of " + e.Of + ": " + s
	}
	return s
}

// patchedTemplate is the pod template with spec.podTemplate laid over it, by the rules
// of a strategic merge patch: lists are merged by name where Kubernetes says so. The
// error is a *PatchError.
func (s *settings) patchedTemplate(w workload) (corev1.PodTemplateSpec, error) {
	base := s.podTemplate(w)
	refuse := func(problems []Problem) (corev1.PodTemplateSpec, error) {
		e := &PatchError{Problems: problems}
		if w.pipeline != nil {
			e.Of = "pipeline " + w.pipeline.Name
		}
		return corev1.PodTemplateSpec{}, e
	}
	if problems := s.envProblems(w); len(problems) > 0 {
		return refuse(problems)
	}
	patch, problems := s.patch()
	if len(problems) > 0 {
		return refuse(problems)
	}
	if len(patch) == 0 {
		return base, nil
	}
	merged, err := merge(base, patch)
	if err != nil {
		return refuse([]Problem{{patchPath, err.Error()}})
	}
	inOrder(&merged, base)
	if problems := s.agree(w, base, merged, patch); len(problems) > 0 {
		return refuse(problems)
	}
	return merged, nil
}

// patch reads the patch, and holds every field of it against those that a pod template
// has. No patch is an empty one.
func (s *settings) patch() (map[string]any, []Problem) {
	p := s.spec.PodTemplate
	if p == nil {
		return nil, nil
	}
	raw := p.Raw
	if raw == nil && p.Object != nil {
		var err error
		if raw, err = json.Marshal(p.Object); err != nil {
			return nil, []Problem{{patchPath, err.Error()}}
		}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, []Problem{{patchPath, "is not JSON or YAML: " + err.Error()}}
	}
	if v == nil {
		return nil, nil
	}
	problems := fieldProblems(v)
	patch, _ := v.(map[string]any)
	return patch, problems
}

// merge lays the patch over a template.
func merge(base corev1.PodTemplateSpec, patch map[string]any) (merged corev1.PodTemplateSpec, err error) {
	defer func() { // strategicpatch trusts the form of its directives
		if r := recover(); r != nil {
			err = fmt.Errorf("is no strategic merge patch: %v", r)
		}
	}()
	before, err := json.Marshal(base)
	if err != nil {
		return merged, err
	}
	change, err := json.Marshal(patch)
	if err != nil {
		return merged, err
	}
	after, err := strategicpatch.StrategicMergePatch(before, change, corev1.PodTemplateSpec{})
	if err != nil {
		return merged, fmt.Errorf("can't be merged: %w", err)
	}
	if err := json.Unmarshal(after, &merged); err != nil {
		return merged, fmt.Errorf("does not fit a pod template: %w", err)
	}
	return merged, nil
}

// inOrder puts what is ours in front again, where a patch has put something before it:
// the app's container, which tools take for the pod's main one; the agent, which other
// init containers may want to be there; and the environment, in which references look
// backwards.
func inOrder(t *corev1.PodTemplateSpec, base corev1.PodTemplateSpec) {
	byName := func(all []corev1.Container, name string) *corev1.Container {
		if i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	for _, list := range []struct{ after, before []corev1.Container }{
		{t.Spec.Containers, base.Spec.Containers}, {t.Spec.InitContainers, base.Spec.InitContainers},
	} {
		sortLike(list.after, list.before, func(c corev1.Container) string { return c.Name })
		for _, c := range list.before {
			if now := byName(list.after, c.Name); now != nil {
				sortLike(now.Env, c.Env, func(e corev1.EnvVar) string { return e.Name })
			}
		}
	}
}

// sortLike puts what stands in like first, in its order, and leaves the rest in its own.
func sortLike[T any](list, like []T, key func(T) string) {
	rank := map[string]int{}
	for i, v := range like {
		rank[key(v)] = i - len(like)
	}
	slices.SortStableFunc(list, func(a, b T) int { return rank[key(a)] - rank[key(b)] })
}
