package kubetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const deployment = `# a comment alone is no document
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
`

func TestApplyAgainChangesNothing(t *testing.T) {
	c := Shared(t)
	ctx := within(t)
	if err := c.Namespace(ctx, "again"); err != nil {
		t.Fatal(err)
	}
	stream := []byte(strings.ReplaceAll(deployment, "name: web}", "name: web, namespace: again}") + `---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: again}
spec:
  ipFamilyPolicy: RequireDualStack
  ports: [{port: 80}]
`)
	if _, err := c.Apply(ctx, stream, true); err != nil {
		t.Fatalf("dry run: %v", err)
	}
	if _, err := c.Get(ctx, "/apis/apps/v1/namespaces/again/deployments/web"); !apierrors.IsNotFound(err) {
		t.Errorf("the dry run kept the Deployment: %v", err)
	}
	first, err := c.Apply(ctx, stream, false)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Apply(ctx, stream, false)
	if err != nil {
		t.Fatal(err)
	}
	versions := func(all []Applied) (got []string) {
		for _, a := range all {
			got = append(got, a.Kind+" "+a.Namespace+"/"+a.Name+" "+a.ResourceVersion)
		}
		return got
	}
	if d := cmp.Diff(versions(first), versions(second)); d != "" || len(first) != 2 || first[0].ResourceVersion == "" {
		t.Errorf("applied again (-first +second):\n%s\n%v", d, versions(first))
	}
	if err := c.Delete(ctx, first); err != nil {
		t.Error(err)
	}
	if err := c.Delete(ctx, first); err != nil {
		t.Errorf("deleted again: %v", err)
	}
}

// Each is refused, by the server or before, with an error that says what is wrong with what.
func TestApplyRefuses(t *testing.T) {
	c := Shared(t)
	for name, test := range map[string]struct {
		stream string
		want   []string
		is     func(error) bool
	}{
		"a wrong value": {
			strings.Replace(deployment, "name: web, image", "name: Not_A_Name, image", 1),
			[]string{"apply Deployment web: ", "spec.template.spec.containers[0].name", "RFC 1123"}, apierrors.IsInvalid,
		},
		"an unknown field": {
			strings.Replace(deployment, "spec:\n", "spec:\n  replica: 3\n", 1),
			[]string{"apply Deployment web: ", "replica", "not declared"}, nil,
		},
		"an unknown kind":    {"apiVersion: apps/v1\nkind: Deploy\nmetadata: {name: x}", []string{"apps/v1 Deploy"}, isNoKind},
		"an unknown group":   {"apiVersion: none.example/v1\nkind: X\nmetadata: {name: x}", []string{"none.example/v1 X"}, isNoKind},
		"no namespace there": {"apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: nowhere}", []string{"apply Secret nowhere/x"}, apierrors.IsNotFound},
		"no name":            {"apiVersion: v1\nkind: Secret", []string{"metadata.name"}, nil},
		"no YAML":            {"a: [", []string{"document 1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dryRun := range []bool{true, false} {
				_, err := c.Apply(within(t), []byte(test.stream), dryRun)
				if err == nil {
					t.Fatal("accepted")
				}
				for _, w := range test.want {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("error %q does not say %q", err, w)
					}
				}
				if test.is != nil && !test.is(err) {
					t.Errorf("error of the wrong kind: %#v", err)
				}
			}
		})
	}
}

func isNoKind(err error) bool { return errors.Is(err, errNoKind) }

func TestCausesOfARefusal(t *testing.T) {
	_, err := Shared(t).Apply(within(t), []byte(strings.Replace(deployment, `image: "web:1"`, "image: ''", 1)), false)
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Details == nil {
		t.Fatalf("got %v, want a Status with details", err)
	}
	want := []metav1.StatusCause{{
		Type: metav1.CauseTypeFieldValueRequired, Field: "spec.template.spec.containers[0].image", Message: "Required value",
	}}
	if d := cmp.Diff(want, status.ErrStatus.Details.Causes); d != "" {
		t.Errorf("causes (-want +got):\n%s", d)
	}
}

func TestInstallCRDs(t *testing.T) {
	c := Shared(t)
	ctx := within(t)
	const route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop}\nspec: {hostnames: [shop.example.com]}\n"
	const scaled = "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: orders}\nspec: {scaleTargetRef: {name: orders}, triggers: [{type: cpu, metadata: {value: \"50\"}}]}\n"
	if _, err := c.Apply(ctx, []byte(route), true); !isNoKind(err) {
		t.Errorf("before: %v, want an unknown kind", err)
	}
	for range 2 { // installing again is an update
		if err := c.InstallCRDs(ctx, GatewayAPI, KEDA); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := c.Apply(ctx, []byte(route+scaled), false); err != nil {
			t.Error(err)
		}
	}
	wrong := strings.Replace(route, "spec: {", "spec: {hostname: x, ", 1)
	if _, err := c.Apply(ctx, []byte(wrong), true); err == nil || !strings.Contains(err.Error(), "hostname") {
		t.Errorf("an unknown field of an HTTPRoute: %v", err)
	}
}

func TestKubectl(t *testing.T) {
	c := Shared(t)
	out, _, err := c.Kubectl(within(t), nil, "version", "-o", "yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(out), "gitVersion: v"+c.Programs.Version); got != 2 {
		t.Errorf("kubectl version:\n%s\nwant v%s of client and server", out, c.Programs.Version)
	}
	out, _, err = c.Kubectl(within(t), []byte(deployment), "apply", "--dry-run=server", "-f", "-")
	if err != nil || string(out) != "deployment.apps/web created (server dry run)\n" {
		t.Errorf("apply: %q, %v", out, err)
	}
	_, _, err = c.Kubectl(within(t), nil, "get", "pod", "nobody")
	if err == nil || !strings.Contains(err.Error(), `pods "nobody" not found`) {
		t.Errorf("get: %v, want kubectl's own words", err)
	}
}
