package check

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
)

const mendable = `# who meets whom
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: prod}
spec:
  selector: {app: shop} # the pods
  ports: [{name: epmd, port: 4369}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop, namespace: prod}
spec:
  replicas: 3
  serviceName: shop
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: shop
        image: shop:1.2.3
        command: [bin/shop, start]
        env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - name: RELEASE_DISTRIBUTION
          value: sname   # short
        - {name: RELEASE_COOKIE, value: hushhushhushhushhushhushhushhush}
        - name: RELEASE_NODE
          value: shop@$(POD_NAME).shop.prod.svc.cluster.local
        livenessProbe: {httpGet: {path: /, port: 4000}, failureThreshold: 1}
`

// said is what one run of the verb gave.
func said(t *testing.T, stdin string, args ...string) (out, notes string) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := Command(&term.IO{In: strings.NewReader(stdin), Out: &o, Err: &e})
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	_ = cmd.ExecuteContext(t.Context()) // findings are its error
	return o.String(), e.String()
}

// The patch of --diff gives what --fix writes, to the last of its passes, and shows no secret.
func TestDiffIsFix(t *testing.T) {
	file := func() (dir, path string) {
		dir = t.TempDir()
		path = filepath.Join(dir, "app.yaml")
		if err := os.WriteFile(path, []byte(mendable), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir, path
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	_, path := file()
	said(t, "", "--fix", path)
	fixed := read(path)
	for _, want := range []string{"value: name   # short", "failureThreshold: 3", "# who meets whom", "# the pods"} {
		if !strings.Contains(fixed, want) {
			t.Errorf("--fix left %q out:\n%s", want, fixed)
		}
	}
	dir, path := file()
	patch, notes := said(t, "", "--diff", path)
	if strings.Contains(patch+notes, "hush") {
		t.Errorf("--diff shows the cookie:\n%s%s", patch, notes)
	}
	if read(path) != mendable {
		t.Error("--diff has written")
	}
	// Names in a patch are those that were given, here from the root.
	cmd := exec.CommandContext(t.Context(), "git", "apply", "--unidiff-zero", "-p", "1", "--directory", "", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(strings.ReplaceAll(patch, filepath.ToSlash(path), "app.yaml"))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, text, patch)
	}
	if d := cmp.Diff(fixed, read(path)); d != "" {
		t.Errorf("what --fix writes, and what the patch gives:\n%s", d)
	}
	again, notes := said(t, "", "--diff", path)
	if again != "" || !strings.Contains(notes, "nothing that --fix could mend") {
		t.Errorf("%q, %q", again, notes)
	}
}

// What comes by standard input can't be mended there, and nobody is told to.
func TestStdinIsNotMended(t *testing.T) {
	for _, flag := range []string{"--severity=info", "--fix", "--diff"} {
		out, notes := said(t, mendable, "-", flag)
		if strings.Contains(out+notes, "phial check --fix") || strings.Contains(out, "--- a/") || strings.Contains(notes, "mended") {
			t.Errorf("%s: %s%s", flag, out, notes)
		}
	}
}

// What has to change in several places is mended where all of them are in files.
func TestMendedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.yaml")
	if err := os.WriteFile(path, []byte(mendable), 0o600); err != nil {
		t.Fatal(err)
	}
	there, nowhere := manifest.Edit{File: path}, manifest.Edit{File: manifest.StdinName}
	all := []check.Finding{{Edits: []manifest.Edit{there, there}}, {Edits: []manifest.Edit{there, nowhere}, Beneath: []check.Finding{{Edits: []manifest.Edit{nowhere}}}}}
	onlyInFiles(all)
	if len(all[0].Edits) != 2 || all[1].Edits != nil || all[1].Beneath[0].Edits != nil {
		t.Errorf("%+v", all)
	}
}
