package mesh

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePlace(t *testing.T) {
	for _, c := range []struct {
		from string
		want Place // the zero Place: it is none
	}{
		{"k8s/app.yaml:20:11", Place{"k8s/app.yaml", 20, 11}},
		{"C:/a b:c.yaml:1:2", Place{"C:/a b:c.yaml", 1, 2}},
		{"", Place{}},
		{"Kubernetes' default", Place{}},
		{"the container runtime, which sets HOSTNAME", Place{}},
		{"Service prod/shop", Place{}},
		{"app.yaml:20", Place{}},
		{"app.yaml:20:", Place{}},
		{"app.yaml::11", Place{}},
		{"app.yaml:0:1", Place{}},
		{"app.yaml:-1:1", Place{}},
		{"app.yaml:99999999999:1", Place{}},
		{":1:2", Place{}},
	} {
		got, ok := ParsePlace(c.from)
		if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want != Place{}) {
			t.Errorf("%q: %v, %v", c.from, got, ok)
		}
	}
}

// What is read back is what was written.
func FuzzParsePlace(f *testing.F) {
	f.Add("k8s/app.yaml:20:11")
	f.Add("a:b:1:2")
	f.Add("1:1:1")
	f.Fuzz(func(t *testing.T, from string) {
		p, ok := ParsePlace(from)
		switch again, same := ParsePlace(p.String()); {
		case !ok && p != Place{}:
			t.Errorf("%q: no place, and %v", from, p)
		case ok && (p.File == "" || p.Line < 1 || p.Column < 1 || !same || again != p):
			t.Errorf("%q: %v, and again %v", from, p, again)
		}
	})
}

// Every place that stands in what a step tells is its own, and the rest is told without it.
func TestNarrationPlain(t *testing.T) {
	n := Narration{Text: "dns_cluster will look up shop (A) (app.yaml:3:4); DNS answers nobody", At: Place{"app.yaml", 3, 4}}
	if want := "dns_cluster will look up shop (A); DNS answers nobody"; n.Plain() != want {
		t.Errorf("%q, want %q", n.Plain(), want)
	}
	n.At = Place{}
	if n.Plain() != n.Text {
		t.Error(n.Plain())
	}
	in := tallyIntent()
	each(&in, func(i int, r *Replica) {
		r.Node.From = fmt.Sprintf("app.yaml:%d:1", i+1)
		r.Ways[0].Query.From = fmt.Sprintf("app.yaml:%d:2", i+1)
	})
	for _, r := range Predict(in).Replicas {
		for _, s := range r.Steps[:2] {
			if s.At == (Place{}) || s.Plain() == s.Text {
				t.Errorf("%s: %+v", r.ID, s)
			}
		}
	}
}
