package image_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/phialdev/phial/internal/image"
)

const hello = `package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"
)

func main() {
	pool, err := x509.SystemCertPool()
	if err != nil {
		panic(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	fmt.Println("hello", os.Getpid(), os.Getuid(), len(pool.Subjects()) > 100, time.Unix(0, 0).In(berlin).Hour(), os.Args[1:])
}
`

// compiled is a small program for each architecture.
func compiled(t *testing.T, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/hello\n\ngo 1.26.0\n", "main.go": hello} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", "hello", ".")
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0"), env...)
	must(t, cmd)
	return filepath.Join(dir, "hello")
}

// A program in Go runs in its image, with certificates and time zones and nothing else.
func TestBuildProgram(t *testing.T) {
	prog := image.Program{Name: "hello", Version: "1.0.0", Files: []string{compiled(t, "GOARCH=amd64"), compiled(t, "GOARCH=arm64")}}
	r, err := image.BuildProgram(t.Context(), image.Options{Cache: cache(t)}, prog)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := validate.Index(r.Root.(v1.ImageIndex)); err != nil {
		t.Error(err)
	}
	if len(r.Platforms) != 2 || r.Platforms[0].Size() > 4e6 {
		t.Errorf("%d platforms, the first of %d bytes", len(r.Platforms), r.Platforms[0].Size())
	}
	var bom struct{ Components []struct{ PURL string } }
	if err := json.Unmarshal(r.Platforms[0].SBOM, &bom); err != nil {
		t.Fatal(err)
	}
	var purls []string
	for _, c := range bom.Components {
		purls = append(purls, c.PURL)
	}
	if all := strings.Join(purls, " "); !strings.Contains(all, "pkg:golang/stdlib@1.") || !strings.Contains(all, "pkg:deb/debian/ca-certificates@") || strings.Contains(all, "busybox") {
		t.Errorf("the SBOM lists %q", purls)
	}
	one, err := image.BuildProgram(t.Context(), image.Options{Cache: cache(t)}, image.Program{Name: "hello", Version: "1.0.0", Files: prog.Files[:1]})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if one.Digest != r.Platforms[0].Digest {
		t.Errorf("alone it is %s, in the index %s", one.Digest, r.Platforms[0].Digest)
	}
	c := unpack(t, toLayout(t, one), "1.0.0").run(t)
	if status := c.ends(t); status != 0 || strings.TrimSpace(c.out.String()) != "hello 1 65532 true 1 []" {
		t.Errorf("it ended with %d and wrote %q", status, c.out)
	}
	for file, want := range map[string]string{
		compiled(t, "CGO_ENABLED=1", "GOFLAGS=-ldflags=-linkmode=external"): "linked dynamically",
		"program_test.go": "no program in Go",
	} {
		if _, err := image.BuildProgram(t.Context(), image.Options{Cache: cache(t)}, image.Program{Name: "hello", Files: []string{file}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}
