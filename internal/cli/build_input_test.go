package cli

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phialdev/phial/internal/cli/term"
)

// Whatever is wrong, one line says so, and nothing is written or sent.
func TestBuildBadInput(t *testing.T) {
	d := newDesk(t)
	good, repo := d.release, d.repo.Name()
	d.write("empty/.keep", "")
	d.write("file", "")
	d.write("garbage.tar", strings.Repeat("no tar at all ", 1000))
	d.write("image/mix.exs", mixExs)
	d.write("several/mix.exs", strings.Replace(mixExs, `"1.0.0"`, `"1.0.0", releases: [front: [], back: []]`, 1))
	noERTS := d.copyRelease()
	erts, err := filepath.Glob(filepath.Join(noERTS, "erts-*"))
	if err != nil || len(erts) != 1 || os.RemoveAll(erts[0]) != nil {
		t.Fatalf("%q, %v", erts, err)
	}
	link := d.copyRelease()
	symlink(t, "/etc/passwd", filepath.Join(link, "lib", "passwd"))
	pipe := d.copyRelease()
	if err := syscall.Mkfifo(filepath.Join(pipe, "lib", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	const secret = "hunter2hunter2"
	before := d.files()

	with := func(args ...string) []string { return append([]string{"--release-dir", good}, args...) }
	for what, c := range map[string]struct {
		args []string
		want string
	}{
		"no such DIR":                   {[]string{"nowhere"}, "nowhere is not there"},
		"a DIR that is a file":          {[]string{"file"}, "file is not a directory"},
		"a DIR with neither":            {[]string{"empty"}, "empty: name the directory of one, or --release-dir"},
		"here is neither":               {nil, "no mix project and no release in " + d.work + ": name the directory of one, or --release-dir"},
		"two DIRs":                      {[]string{"a", "b"}, `phial build takes [DIR], and "b" is too much`},
		"no such release":               {[]string{"--release-dir", "nowhere"}, "nowhere is not there"},
		"no release":                    {[]string{"--release-dir", "empty"}, "empty is no release: it has no releases/start_erl.data; `mix release` makes one"},
		"a project for a release":       {[]string{"--release-dir", "image"}, "image is no release"},
		"a DIR that is no project":      {with("empty"), "empty is no mix project: beside --release-dir, DIR is the project"},
		"another release's name":        {with("--release", "shop"), "no release shop in " + good + ": there is tally"},
		"several releases":              {[]string{"several"}, "has several releases, pick one with --release: front, back"},
		"no ERTS":                       {[]string{"--release-dir", noERTS}, "leave include_erts in mix.exs as it is (true)"},
		"a link out of the tree":        {[]string{"--release-dir", link}, "lib/passwd is a symbolic link out of the tree, to /etc/passwd: put the file itself there"},
		"a pipe":                        {[]string{"--release-dir", pipe}, "lib/pipe is a named pipe, which has no place in an image: remove it"},
		"the same architecture":         {with("--release-dir", good), good + " are both for "},
		"a base path that is not there": {with("--base", "./nowhere"), "base ./nowhere: no such file or directory"},
		"a base that nobody has":        {with("--base", nobody+"/debian:x"), "base " + nobody + "/debian:x: "},
		"a base of garbage":             {with("--base", "garbage.tar"), "base garbage.tar: it is no tarball of an image"},
		"a base that is no layout":      {with("--base", "empty"), "base empty: the directory is no OCI layout"},
		"a base that is no reference":   {with("--base", "UPPER/Case"), "base UPPER/Case: "},
		"a push in capitals":            {with("--push", "example.com/Shop"), "--push example.com/Shop: could not parse reference: example.com/Shop: give REPOSITORY or REPOSITORY:TAG"},
		"a push by digest":              {with("--push", repo+"@sha256:"+strings.Repeat("0", 64)), "a digest is what comes of pushing: give REPOSITORY or REPOSITORY:TAG"},
		"a push to a URL":               {with("--push", "https://example.com/shop"), "--push https://example.com/shop: "},
		"a push to nothing":             {with("--push", ""), "--push is empty: give it a value, or leave it out"},
		"a push to nobody":              {with("--push", nobody+"/shop"), "push to " + nobody + "/shop: nobody answers there (connection refused); no tag was set"},
		"a bad tag":                     {with("--push", repo, "--tag", "a b"), `--tag: "a b" can be no tag`},
		"an empty tag":                  {with("--push", repo, "--tag", ""), "--tag is empty"},
		"a tag of nothing":              {with("--tag", "x"), "--tag names an image somewhere: give --push, --oci-layout, --tarball or --containerd, too"},
		"a name with a tag":             {with("--name", "shop:1", "--tarball", "x.tar"), "--name shop:1: "},
		"env without =":                 {with("-e", secret), "--env wants NAME=VALUE"},
		"env without a name":            {with("-e", "="+secret), "--env wants NAME=VALUE"},
		"the cookie in env":             {with("--env", "RELEASE_COOKIE="+secret), "--env RELEASE_COOKIE would put the cookie into the image"},
		"a label without =":             {with("-l", secret), "--label wants NAME=VALUE"},
		"a code that nobody has":        {with("--accept", "XYZ"), "--accept XYZ: no finding of images has this code; they are IMG-01, IMG-02 and so on: phial explain lists them"},
		"a code of something else":      {with("--accept", "NAM-02"), "--accept NAM-02: no finding of images"},
		"a compression nobody knows":    {with("--compression", "lzma"), "--compression lzma: use gzip or zstd"},
		"zstd for docker load":          {with("--compression", "zstd", "--tarball", "x.tar"), "docker load reads no zstd: leave out"},
		"two for docker load":           {with("--release-dir", noERTS, "--tarball", "x.tar"), "--tarball holds one architecture: give one --release-dir, or use --oci-layout"},
		"JSON and a digest":             {with("-o", "json", "--print-digest"), "-o json has the digest in it: leave out --print-digest"},
		"a format nobody knows":         {with("-o", "yaml"), "use -o text or -o json"},
		"a suite of a pulled base":      {with("--base", "example.com/base", "--suite", "bookworm"), "are for --base assemble"},
		"a package of a pulled base":    {with("--base", "example.com/base", "--package", "jq"), "are for --base assemble"},
		"an SBOM and none":              {with("--no-sbom", "--sbom", "x.json"), "--sbom asks for what --no-sbom leaves out: use one of them"},
		"resolve without a push":        {with("--resolve", "x.yaml"), "--resolve writes the digest that a registry has: give --push, too"},
		"a layout among other things":   {with("--push", repo, "--oci-layout", "several"), "several holds other things than an OCI layout: give a directory that is empty or not there yet"},
		"an SBOM into nowhere":          {with("--push", repo, "--sbom", "nowhere/x.json"), "--sbom nowhere/x.json: there is no directory nowhere: make it first"},
		"an SBOM into a directory":      {with("--push", repo, "--sbom", "empty"), "--sbom empty is a directory: give a file in it"},
		"a tarball into nowhere":        {with("--push", repo, "--tarball", "nowhere/x.tar"), "--tarball nowhere/x.tar: there is no directory nowhere: make it first"},
		"a client that is none":         {with("--containerd", "--containerd-command", " "), "--containerd-command names no program"},
		"a client that is not there":    {with("--containerd", "--containerd-command", "no-such-ctr"), "no-such-ctr is not installed: it comes with containerd"},
		"a package nobody has":          {with("--package", "no-such-package"), `there is no package "no-such-package"`},
		"a mirror that is none":         {with("--mirror", "debian"), `--mirror "debian" is not the URL of a Debian archive: give http://HOST/PATH`},
		"a flag that nobody knows":      {with("--pull"), "unknown flag: --pull; see `phial build --help`"},
	} {
		got := d.build(c.args...)
		oneLineSaid(t, what, got, c.want)
		if strings.Contains(got.err, secret) {
			t.Errorf("%s: shows what was given: %s", what, got.err)
		}
	}
	sameFiles(t, "bad input", before, d.files())
	d.nothingLeft()
	if tags := d.tags(); len(tags) != 0 {
		t.Errorf("tags %q were pushed", tags)
	}
}

// Root reads everything, so it is a root without that right who builds here.
func TestBuildUnreadable(t *testing.T) {
	d := newDesk(t)
	release := d.copyRelease()
	file := filepath.Join(release, "releases", "1.0.0", "env.sh")
	for _, unreadable := range []string{file, filepath.Dir(file)} {
		was := mode(t, unreadable)
		chmod(t, unreadable, 0)
		args := []string{"phial", "build", "--cache-dir", d.cache, "--release-dir", release, "--oci-layout", "out"}
		if os.Geteuid() == 0 {
			args = append([]string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}, args...)
		}
		var out, stderr strings.Builder
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &stderr
		err := cmd.Run()
		chmod(t, unreadable, was)
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		got := said{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
		oneLineSaid(t, unreadable, got, "can't be read: permission denied; make it readable for the user who builds")
		if _, err := os.Stat("out"); err == nil {
			t.Errorf("%s: a layout was written", unreadable)
		}
	}
}

func TestBuildHelpAndCompletion(t *testing.T) {
	code, out, stderr := phial(t, "build", "--help")
	if code != term.OK || stderr != "" || !strings.Contains(out, "\nExamples:\n  phial build . --push registry.example.com/shop\n") ||
		!strings.Contains(out, "Exit status: 0 done, 1 refused by findings, 2 could not.") {
		t.Errorf("status %d\n%s%s", code, out, stderr)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--accept", "IMG"}, []string{"IMG-01\t", "IMG-16\t", ":4"}},
		{[]string{"--compression", ""}, []string{"gzip\n", "zstd\n", ":4"}},
		{[]string{"--suite", ""}, []string{"bookworm\n", "trixie\n", "sid\n", ":4"}},
		{[]string{"--output", ""}, []string{"text\n", "json\n", ":4"}},
		{[]string{""}, []string{":16"}}, // directories
		{[]string{"--release-dir", ""}, []string{":16"}},
	} {
		code, out, _ := phial(t, append([]string{"__complete", "build"}, c.args...)...)
		if code != term.OK {
			t.Errorf("completion of %q: status %d", c.args, code)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("completion of %q lacks %q:\n%s", c.args, w, out)
			}
		}
		if strings.Contains(out, "NAM-") {
			t.Errorf("completion of %q has other findings:\n%s", c.args, out)
		}
	}
}
