package manifest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fleet is many objects of the sizes that they have.
func fleet(n int) Source {
	var b strings.Builder
	for i := range n {
		switch i % 6 {
		case 0:
			fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop-%d
  namespace: prod
  labels:
    app.kubernetes.io/name: shop-%d
    app.kubernetes.io/managed-by: Helm
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: shop-%d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: shop-%d
    spec:
      serviceAccountName: shop-%d
      terminationGracePeriodSeconds: 60
      containers:
      - name: shop
        image: registry.example.com/shop:1.4.%d
        imagePullPolicy: IfNotPresent
        env:
        - name: POD_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: RELEASE_NODE
          value: shop@$(POD_IP)
        - name: RELEASE_DISTRIBUTION
          value: name
        - name: RELEASE_COOKIE
          valueFrom:
            secretKeyRef:
              name: shop-%d
              key: cookie
        - name: PHX_SERVER
          value: "true"
        ports:
        - name: http
          containerPort: 4000
        - name: epmd
          containerPort: 4369
        readinessProbe:
          httpGet:
            path: /ready
            port: http
          periodSeconds: 5
          failureThreshold: 3
        livenessProbe:
          httpGet:
            path: /live
            port: http
          periodSeconds: 10
        startupProbe:
          httpGet:
            path: /live
            port: http
          periodSeconds: 2
          failureThreshold: 60
        lifecycle:
          preStop:
            sleep:
              seconds: 10
        resources:
          requests:
            cpu: 500m
            memory: 512Mi
          limits:
            memory: 512Mi
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
`, i, i, i, i, i, i, i)
		default:
			fmt.Fprintf(&b, `---
apiVersion: v1
kind: Service
metadata:
  name: shop-%d
  namespace: prod
  labels:
    app.kubernetes.io/name: shop-%d
    app.kubernetes.io/managed-by: Helm
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    app.kubernetes.io/name: shop-%d
  ports:
  - name: tcp-epmd
    port: 4369
    protocol: TCP
    targetPort: epmd
  - name: tcp-dist
    port: 9100
    protocol: TCP
    targetPort: dist
`, i, i, i)
		}
	}
	return Source{Name: "fleet.yaml", Text: []byte(b.String())}
}

func BenchmarkObjects(b *testing.B) {
	for _, n := range []int{1_800, 18_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			source := []Source{fleet(n)}
			b.SetBytes(int64(len(source[0].Text)))
			for b.Loop() {
				s := ReadObjects(source)
				if len(s.Objects) != n || len(s.Problems) > 0 {
					b.Fatal(len(s.Objects), s.Problems)
				}
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-kept")
				runtime.KeepAlive(s)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*n), "µs/object")
		})
	}
}
