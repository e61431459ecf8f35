package manifest

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/kubetest"
)

const soundObjects = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {app: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata:
      labels: {app: shop}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: shop
        image: registry.example.com/shop:1
        imagePullPolicy: Always
        args: [start]
        env: [{name: PORT, value: "4000"}]
        ports: [{name: http, containerPort: 4000}]
        readinessProbe: {httpGet: {path: /, port: 4000}}
        resources: {limits: {memory: 1Gi, cpu: 1}}
      volumes: [{name: data, secret: {secretName: shop, defaultMode: 0400}}]
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  type: ClusterIP
  publishNotReadyAddresses: true
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: 4000}]
---
apiVersion: v1
kind: Secret
metadata: {name: shop}
data: {cookie: c2VjcmV0}
`

// A real API server refuses the objects that have misfits, when it is asked as kubectl asks it, and takes those that have none.
func TestServerAgreesOnMisfits(t *testing.T) {
	server := kubetest.Shared(t)
	for _, c := range []struct{ old, new string }{
		{"", ""},
		{"replicas: 3", `replicas: "3"`}, {"replicas: 3", "replicas: 3.0"}, {"replicas: 3", "replicas: 2.5"}, {"replicas: 3", "replicas: three"}, {"replicas: 3", "replicas: 3000000000"},
		{"replicas: 3", "replicas:"}, {"replicas: 3", "replicas: [3]"}, {"replicas: 3", "replicas: 0x3"}, {"replicas: 3", "replicas: true"},
		{"readinessProbe", "readynessProbe"}, {"imagePullPolicy", "imagepullpolicy"}, {"        args:", "        terminationGracePeriodSeconds: 60\n        args:"},
		{"Always", "always"}, {"args: [start]", "args: [start, 8080]"}, {"args: [start]", "args: start"}, {"args: [start]", `args: [start, "8080"]`}, {"args: [start]", "args: [start, yes]"},
		{"args: [start]", "args: [start, 2026-11-26]"}, {"args: [start]", "args: [start, 1_000]"}, {"args: [start]", "args: [start, .5]"}, {"args: [start]", "args: [start, 1e3]"}, {"args: [start]", "args: [start, 1.2.3]"},
		{"args: [start]", "args: [start, ~]"}, {"args: [start]", "args: [start, off]"}, {"args: [start]", "args: [start, 0b1]"}, {"args: [start]", "args: [start, 1:30]"},
		{"1Gi", "1g"}, {"1Gi", "100Mib"}, {"1Gi", "1e9"}, {"1Gi", `"1000000000"`}, {"1Gi", "1 Gi"}, {"1Gi", "1GB"}, {"cpu: 1", "cpu: 1.5"}, {"cpu: 1", "cpu: 500m"}, {"cpu: 1", "cpu: one"}, {"cpu: 1", "cpu: true"},
		{"containerPort: 4000", `containerPort: "4000"`}, {"port: 4000}}", `port: "4000"}}`}, {"port: 4000}}", "port: http}}"}, {"targetPort: 4000", `targetPort: "4000"`}, {"targetPort: 4000", "targetPort: http"},
		{"port: 80,", `port: "80",`}, {"publishNotReadyAddresses: true", "publishNotReadyAddresses: yes"}, {"publishNotReadyAddresses: true", `publishNotReadyAddresses: "true"`}, {"publishNotReadyAddresses: true", "publishNotReadyAddresses: 1"},
		{"ClusterIP", "Clusterip"}, {"0400", "256"}, {"0400", `"0400"`}, {"c2VjcmV0", "postgres://db"}, {"c2VjcmV0", `"c2Vj cmV0"`}, {"c2VjcmV0", `"c2Vj\ncmV0\n"`},
		{"- name: shop\n", "- name: shop_web\n"}, {"- name: shop\n", "- name: Shop\n"}, {"{name: http, containerPort", "{name: http-of-the-shop-app, containerPort"}, {"{name: http, containerPort", `{name: "4000", containerPort`},
		{"{name: data,", "{name: my_data,"}, {"labels: {app: shop}\nspec", "labels: {app: \"my shop\"}\nspec"}, {"labels: {app: shop}\nspec", "labels: {app: 1}\nspec"}, {"labels: {app: shop}\nspec", "annotations: {at: yes}\nspec"},
		{"metadata:\n  name: shop", "metadata:\n  name: shop_web"}, {"metadata:\n  name: shop", "metadata:\n  name: shop.web"}, {"metadata: {name: shop}\nspec", "metadata: {name: shop.web}\nspec"},
		{"resources: {limits", "resources: {limit"}, {"secretName: shop", "name: shop"}, {"value: \"4000\"", "value: 4000"}, {"selector: {app: shop}\n  ports", "selector: {app: 1}\n  ports"},
	} {
		text := soundObjects
		if c.old != "" {
			if !strings.Contains(text, c.old) {
				t.Fatalf("no %q", c.old)
			}
			text = strings.Replace(text, c.old, c.new, 1)
		}
		set := ReadObjects([]Source{{Name: "x", Text: []byte(text)}})
		var ours []string
		for _, o := range set.Objects {
			for _, m := range o.Misfits() {
				ours = append(ours, m.Text)
			}
		}
		_, theirs := server.Apply(t.Context(), []byte(text), true)
		if (len(ours) > 0) != (theirs != nil) {
			t.Errorf("%s in place of %s\nhere: %v\nthe server: %v", c.new, c.old, ours, theirs)
		}
	}
}
