package v1alpha1_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/kubetest"
)

// TestServed follows a BeamApp through a real API server: what it fills in, prints,
// scales, explains, and keeps of a status.
func TestServed(t *testing.T) {
	server := installed(t)
	do := func(t *testing.T, method, path, contentType, body string, into any) {
		t.Helper()
		answer, _, err := server.Do(t.Context(), method, path, contentType, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatal(err)
		}
	}
	const name = "served"
	const path = "/apis/phial.dev/v1alpha1/namespaces/default/beamapps/" + name
	made, err := server.Apply(t.Context(), encode(t, ruleCase{app: name}.manifest(t, "{}")), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Delete(t.Context(), made); err != nil {
			t.Error(err)
		}
	}()

	t.Run("definition", func(t *testing.T) {
		var def apiextensionsv1.CustomResourceDefinition
		do(t, http.MethodGet, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/beamapps.phial.dev", "", "", &def)
		for _, c := range def.Status.Conditions {
			if good := c.Type == apiextensionsv1.Established || c.Type == apiextensionsv1.NamesAccepted; good != (c.Status == apiextensionsv1.ConditionTrue) {
				t.Errorf("%s is %s: %s", c.Type, c.Status, c.Message)
			}
		}
	})

	t.Run("defaults", func(t *testing.T) {
		var app v1alpha1.BeamApp
		do(t, http.MethodGet, path, "", "", &app)
		if app.Spec.Type != v1alpha1.Clustered || *app.Spec.Replicas != 3 || *app.Spec.Shutdown.DrainTimeoutSeconds != 25 {
			t.Errorf("got %+v", app.Spec)
		}
	})

	t.Run("status", func(t *testing.T) {
		const status = `{"spec": {"replicas": 9}, "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 2, "selector": "app.kubernetes.io/name=served",
			"mesh": {"nodes": 3, "links": {"expected": 3, "up": 1}, "islands": 2, "observedAt": "2026-11-24T18:00:00Z"},
			"conditions": [
				{"type": "Available", "status": "True", "reason": "MinimumReplicas", "message": "", "lastTransitionTime": "2026-11-24T18:00:00Z"},
				{"type": "MeshFormed", "status": "False", "reason": "Islands", "message": "NAM-02", "lastTransitionTime": "2026-11-24T18:00:00Z"}]}}`
		var app v1alpha1.BeamApp
		do(t, http.MethodPatch, path+"/status", "application/merge-patch+json", status, &app)
		if *app.Spec.Replicas != 3 {
			t.Errorf("/status changed the spec: replicas %d", *app.Spec.Replicas)
		}
		if app.Status.Mesh == nil || app.Status.Mesh.Islands != 2 || len(app.Status.Conditions) != 2 {
			t.Errorf("got %+v", app.Status)
		}
		do(t, http.MethodPatch, path, "application/merge-patch+json", `{"status": {"replicas": 7}}`, &app)
		if app.Status.Replicas != 3 {
			t.Errorf("the status was changed past /status: replicas %d", app.Status.Replicas)
		}
	})

	t.Run("get", func(t *testing.T) {
		want := [][]string{
			{"NAME", "TYPE", "READY", "DESIRED", "MESH", "AVAILABLE", "AGE"},
			{name, "Clustered", "2", "3", "False", "True"},
		}
		for _, resource := range []string{"beam", "beams", "beamapp", "beamapps.phial.dev"} {
			lines := strings.Split(kubectl(t, server, "get", resource, name), "\n")
			for i, words := range want {
				if got := strings.Fields(lines[i]); len(got) < len(words) || strings.Join(got[:len(words)], " ") != strings.Join(words, " ") {
					t.Errorf("kubectl get %s: %q, want %q", resource, got, words)
				}
			}
		}
		if wide := kubectl(t, server, "get", "beam", name, "-o", "wide"); !strings.Contains(wide, "ISLANDS") || !strings.Contains(wide, "shop:1.4.2") {
			t.Errorf("wide, no islands or image:\n%s", wide)
		}
		if all := kubectl(t, server, "get", "all"); !strings.Contains(all, "beamapp.phial.dev/"+name) {
			t.Errorf("kubectl get all leaves it out:\n%s", all)
		}
	})

	t.Run("scale", func(t *testing.T) {
		kubectl(t, server, "scale", "beam", name, "--replicas=5")
		var scale autoscalingv1.Scale
		do(t, http.MethodGet, path+"/scale", "", "", &scale)
		if scale.Spec.Replicas != 5 || scale.Status.Replicas != 3 || scale.Status.Selector != "app.kubernetes.io/name=served" {
			t.Errorf("got %+v %+v", scale.Spec, scale.Status)
		}
		_, stderr, err := server.Kubectl(t.Context(), nil, "scale", "beam", name, "--replicas=1001")
		if err == nil || !strings.Contains(string(stderr), "1000") {
			t.Errorf("1001 replicas: %v %s", err, stderr)
		}
	})

	t.Run("explain", func(t *testing.T) {
		for field, want := range map[string]string{
			"beam.spec":                              "image is the OCI image",
			"beam.spec.clustered.discovery":          "ENUM: Phial LibclusterDNS",
			"beam.spec.pipelines.kafka.concurrency":  "Broadway's producer concurrency",
			"beam.spec.networkPolicy.egressRules.to": "",
			"beam.status.mesh.islands":               "1 is right",
		} {
			// kubectl breaks lines as it likes.
			if got := strings.Join(strings.Fields(kubectl(t, server, "explain", field)), " "); !strings.Contains(got, want) {
				t.Errorf("kubectl explain %s: no %q in\n%s", field, want, got)
			}
		}
	})
}

// kubectl gives what a kubectl command printed.
func kubectl(t *testing.T, server *kubetest.Cluster, args ...string) string {
	t.Helper()
	stdout, stderr, err := server.Kubectl(t.Context(), nil, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return string(stdout)
}
