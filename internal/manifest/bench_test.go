package manifest

import (
	"fmt"
	"strings"
	"testing"
)

func many(n int) Source {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\napiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: shop-%d}\nspec:\n  image: registry.example.com/shop:1.0.%d\n  http: {port: 8080, ingress: {hosts: [a%d.example.com]}}\n  health: {path: /ready}\n  env:\n  - {name: A, value: x}\n  - name: B\n    valueFrom: {secretKeyRef: {name: shop, key: b}}\n", i, i, i)
	}
	return Source{Name: "phial.yaml", Text: []byte(b.String())}
}

// BenchmarkRead: time for each app must not grow with their number.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			source := []Source{many(n)}
			for b.Loop() {
				if r, err := Read(source, Options{}); err != nil || len(r.Apps) != n {
					b.Fatal(len(r.Apps), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/app")
		})
	}
}
