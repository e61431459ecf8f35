package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
)

// one reads a text that is one object.
func one(t *testing.T, text string) *Object {
	t.Helper()
	set := ReadObjects([]Source{{Name: "a.yaml", Text: []byte(text)}})
	if len(set.Objects) != 1 || len(set.Problems) > 0 {
		t.Fatalf("%d objects, %v", len(set.Objects), set.Problems)
	}
	return set.Objects[0]
}

// What does not fit is told at its place, with what would.
func TestMisfits(t *testing.T) {
	const (
		deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n"
		container  = deployment + "  template:\n    spec:\n      containers:\n      - name: shop\n"
		service    = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec:\n"
		secret     = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\ndata:\n"
	)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a number":                  {deployment + "  replicas: 3\n", nil},
		"a number in quotes":        {deployment + `  replicas: "3"` + "\n", []string{"5: replicas is a text here, for it is in quotes, and Kubernetes wants a whole number > 3"}},
		"a part of one":             {deployment + "  replicas: 2.5\n", []string{"5: replicas is 2.5, and has to be a whole number"}},
		"a whole one with a dot":    {deployment + "  replicas: 3.0\n", nil},
		"too large":                 {deployment + "  replicas: 3000000000\n", []string{"5: replicas is 3000000000, and has to be a whole number"}},
		"nothing":                   {deployment + "  replicas:\n", nil},
		"filled in later":           {deployment + "  replicas: ${REPLICAS}\n", nil},
		"a list":                    {deployment + "  replicas: [3]\n", []string{"5: replicas is a list, and has to be a whole number"}},
		"a field that is misspelt":  {container + "        readynessProbe: {httpGet: {port: 1}}\n", []string{"9: spec.template.spec.containers[shop] has no field readynessProbe; did you mean readinessProbe? > readinessProbe"}},
		"a field in the wrong case": {container + "        imagepullpolicy: Always\n", []string{"9: spec.template.spec.containers[shop] has no field imagepullpolicy; did you mean imagePullPolicy? > imagePullPolicy"}},
		"a field of the pod's":      {container + "        terminationGracePeriodSeconds: 60\n", []string{"9: spec.template.spec.containers[shop] has no field terminationGracePeriodSeconds; it belongs further out, beside containers > further out"}},
		"a field of the resources":  {container + "        limits: {cpu: 1}\n", []string{"9: spec.template.spec.containers[shop] has no field limits; it belongs below resources > resources.limits"}},
		"a handler one level too far left": {container + "        lifecycle:\n          preStop:\n          exec: {command: [sleep]}\n", []string{
			"11: spec.template.spec.containers[shop].lifecycle has no field exec; it belongs below preStop > preStop.exec"}},
		"a handler beside one that there is": {container + "        lifecycle:\n          postStart: {sleep: {seconds: 1}}\n          preStop:\n          exec: {command: [sleep]}\n", []string{
			"12: spec.template.spec.containers[shop].lifecycle has no field exec; it belongs below preStop > preStop.exec"}},
		"a handler of nobody's": {container + "        lifecycle:\n          exec: {command: [sleep]}\n", []string{
			"10: spec.template.spec.containers[shop].lifecycle has no field exec; it belongs below postStart or preStop > further in"}},
		"a port of the only one that is there": {container + "        livenessProbe:\n          port: 4000\n          tcpSocket: {}\n", []string{
			"10: spec.template.spec.containers[shop].livenessProbe has no field port; it belongs below tcpSocket > tcpSocket.port"}},
		"a label in a selector":       {deployment + "  selector: {app: shop}\n", []string{"5: spec.selector has no field app; labels belong below matchLabels > matchLabels.app"}},
		"a field that nobody has":     {container + "        wobble: 1\n", []string{"9: spec.template.spec.containers[shop] has no field wobble"}},
		"a field of the object":       {deployment + "  replicas: 1\nspek: {}\n", []string{"6: Deployment has no field spek; did you mean spec? > spec"}},
		"arguments":                   {container + "        args: [start, 8080, -p]\n", []string{"9: spec.template.spec.containers[shop].args[1] is a number here, and Kubernetes wants a text > quotes"}},
		"a list that is none":         {container + "        command: bin/shop start\n", []string{"9: command is a text, and has to be a list"}},
		"a mapping that is none":      {container + "        resources: small\n", []string{"9: resources is a text, and has to be a mapping"}},
		"quantities":                  {container + "        resources: {limits: {cpu: 1.5, memory: 512Mi}, requests: {cpu: 250m, memory: \"1e9\"}}\n", nil},
		"a small g":                   {container + "        resources: {limits: {memory: 1g}}\n", []string{"9: memory is 1g, and has to be a quantity such as 512Mi, 2Gi, 500m or 1.5; did you mean 1Gi? > 1Gi"}},
		"with a b":                    {container + "        resources: {limits: {memory: 100Mib}}\n", []string{"9: memory is 100Mib, and has to be a quantity such as 512Mi, 2Gi, 500m or 1.5; did you mean 100Mi? > 100Mi"}},
		"a quantity of a tool":        {container + "        resources: {limits: {memory: \"${MEMORY}\"}}\n", nil},
		"a word":                      {container + "        imagePullPolicy: always\n", []string{"9: imagePullPolicy is always, and may be Always, IfNotPresent or Never; did you mean Always? > Always"}},
		"a port's name":               {service + "  ports: [{port: 80, targetPort: http}]\n", nil},
		"a port's name of digits":     {service + "  ports: [{port: 80, targetPort: \"4000\"}]\n", []string{"5: targetPort is a name here, for it is in quotes, and a port's name has a letter in it > 4000"}},
		"a port as a text":            {service + "  ports: [{port: \"80\"}]\n", []string{"5: port is a text here, for it is in quotes, and Kubernetes wants a whole number > 80"}},
		"true":                        {service + "  publishNotReadyAddresses: yes\n", nil},
		"true in quotes":              {service + "  publishNotReadyAddresses: \"true\"\n", []string{"5: publishNotReadyAddresses is a text here, for it is in quotes, and Kubernetes wants true or false > true"}},
		"a mode in octal":             {container + "      volumes: [{name: a, secret: {secretName: a, defaultMode: 0400}}]\n", nil},
		"base64":                      {secret + "  a: c2VjcmV0\n  b: |\n    c2Vj\n    cmV0\n", nil},
		"no base64":                   {secret + "  a: postgres://db\n", []string{"5: the entry a is not in base64, as data has to be > stringData"}},
		"base64 of a tool":            {secret + "  a: <base64>\n  b: ${B}\n", nil},
		"a kind that nobody knows":    {"apiVersion: shop.dev/v1\nkind: Deployment\nspek: 1\n", nil},
		"a version that nobody knows": {"apiVersion: apps/v1beta2\nkind: Deployment\nspek: 1\n", nil},
		"names":                       {container + "        ports: [{name: http, containerPort: 4000}]\n      volumes: [{name: data-1}]\n", nil},
		"an underscore":               {strings.Replace(deployment, "name: shop", "name: my_shop", 1) + "  replicas: 1\n", []string{"3: my_shop is no name that Kubernetes takes: it may have a to z, 0 to 9, - and dots, and begins and ends with a letter or digit > my-shop"}},
		"a capital":                   {strings.Replace(container, "name: shop\n", "name: Shop\n", 1), []string{"8: Shop is no name of a container: it may have a to z, 0 to 9 and -, up to 63, and begins and ends with a letter or digit > shop"}},
		"a dot in a Service's name":   {strings.Replace(service, "name: shop", "name: shop.web", 1) + "  ports: [{port: 80}]\n", []string{"3: shop.web is no name of a Service: it may have a to z, 0 to 9 and -, up to 63, and begins and ends with a letter or digit > shop-web"}},
		"a name of a tool's":          {strings.Replace(deployment, "name: shop", "name: \"${APP}_web\"", 1) + "  replicas: 1\n", nil},
		"a port's long name":          {container + "        ports: [{name: erlang-distribution, containerPort: 9100}]\n", []string{"9: erlang-distribution is no name of a port: it may have a to z, 0 to 9 and -, up to 15, and a letter among them"}},
		"a label's value":             {"apiVersion: v1\nkind: Service\nmetadata:\n  name: shop\n  labels: {app: my shop}\n", []string{"5: my shop is no value of a label: it may have letters, digits, -, _ and dots, up to 63, and begins and ends with a letter or digit > my-shop"}},
		"a role's name":               {"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: \"shop:reader\"}\n", nil},
		"times and percentages":       {"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a, creationTimestamp: null}\nspec: {maxUnavailable: 50%, selector: {matchLabels: {a: b}}}\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, m := range one(t, c.text).Misfits() {
				line := strings.TrimPrefix(m.KeyPosition().String(), "a.yaml:")
				line, _, _ = strings.Cut(line, ":")
				s := line + ": " + m.Text
				if m.Meant != "" {
					s += " > " + m.Meant
				}
				if m.Quote {
					s += " > quotes"
				}
				got = append(got, s)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// The quick look at a name lets nothing through that Kubernetes does not take, as a name of whatever it is.
func FuzzOrdinary(f *testing.F) {
	for _, s := range []string{"web", "a-1", "a--b", "-a", "a-", "4000", "A", "a.b", "", "abcdefghijklmnop", "\u00e4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !ordinary(name) {
			return
		}
		for what, takes := range map[string]func(string) []string{
			"label": validation.IsDNS1123Label, "subdomain": validation.IsDNS1123Subdomain, "port": validation.IsValidPortName, "value": validation.IsValidLabelValue,
		} {
			if wrong := takes(name); len(wrong) > 0 {
				t.Errorf("%q as a %s: %v", name, what, wrong)
			}
		}
	})
}

// FuzzMisfits: whatever the object is, going over it ends, in places that it has, and those of all are those of each.
func FuzzMisfits(f *testing.F) {
	f.Add(soundObjects)
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: []\nspec: {containers: {a: b}, volumes: [1, [x]]}\n")
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{nme: a}]}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		set := ReadObjects([]Source{{Name: "x", Text: []byte(text)}})
		all := set.Misfits()
		for i, o := range set.Objects {
			each := o.Misfits()
			if len(each) != len(all[i]) {
				t.Errorf("%d and %d", len(each), len(all[i]))
			}
			for _, m := range each {
				if m.Text == "" || m.Object() != o || m.Position().Line < 1 {
					t.Errorf("%+v", m)
				}
			}
		}
	})
}
