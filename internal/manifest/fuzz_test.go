package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzRead: whatever the text is, reading it ends, in apps or in problems that have a place in it.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/problems/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		source, _, _ := strings.Cut(string(text), line)
		f.Add([]byte(source), "replicas=1")
	}
	f.Add([]byte("a: &a {<<: *a}"), "env[A].value=x")
	f.Add([]byte("\"\\ud83d"), "a[b.c]={")
	f.Fuzz(func(t *testing.T, text []byte, setting string) {
		var o Options
		if s, err := ParseSetting("--set", setting); err == nil {
			o.Set = append(o.Set, s)
		}
		result, err := Read([]Source{{Name: "x", Text: text}}, o)
		if err == nil && len(result.Apps) == 0 {
			t.Error("neither an app nor an error")
		}
		lines := strings.Count(string(text), "\n") + 1
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatal(err)
		}
		for _, p := range problems {
			if p.File == "x" && (p.Line < 1 || p.Line > lines && !strings.ContainsAny(string(text), "\r\u0085\u2028\u2029") || p.Column < 1) || p.Text == "" {
				t.Errorf("%+v in %d lines", p, lines)
			}
		}
		for _, a := range result.Apps {
			a.Find("spec.image")
		}
	})
}
