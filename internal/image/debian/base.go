package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
)

// always are the packages that every root has something of.
var always = []string{"base-files", "busybox", "ca-certificates", "libc-bin", "libc6", "libgcc-s1", "tzdata"}

// prepare fetches at once what is sure to be needed.
func (a *assembly) prepare(ctx context.Context) error {
	var soon []record
	for _, name := range always {
		if r, ok := a.find(name); ok {
			soon = append(soon, r)
		}
	}
	for _, soname := range a.Libraries {
		soon = append(soon, a.likely(soname)...)
	}
	a.prefetch(ctx, soon)
	return ctx.Err()
}

const passwd = `root:x:0:0:root:/root:/bin/sh
app:x:65532:65532:app:/app:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`

const group = `root:x:0:
tty:x:5:
app:x:65532:
nogroup:x:65534:
`

const nsswitch = `passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
`

// addBase adds what every program may look for: who we are, which system this is,
// certificates, time zones, a locale, and directories.
func (a *assembly) addBase(ctx context.Context) error {
	for _, part := range []struct {
		name string
		take func(*deb) error
	}{
		{"base-files", a.addSystem}, {"libc-bin", a.addLocale}, {"tzdata", a.addZones}, {"ca-certificates", a.addCertificates},
	} {
		if a.Bare && part.name == "libc-bin" {
			continue
		}
		d, err := a.openNamed(ctx, part.name)
		if err != nil {
			return err
		}
		if err := part.take(d); err != nil {
			return fmt.Errorf("the package %s %s %w: use another mirror, or another suite", d.Name, d.Version, err)
		}
	}
	a.build.put(
		tree.Symlink("bin", "usr/bin"), tree.Symlink("sbin", "usr/sbin"), tree.Symlink("lib", "usr/lib"),
		tree.Dir("usr/bin"), tree.Dir("usr/sbin"), tree.Dir("usr/lib"),
		tree.Text("etc/passwd", passwd, tree.ModePlain), tree.Text("etc/group", group, tree.ModePlain),
		tree.Text("etc/nsswitch.conf", nsswitch, tree.ModePlain),
		tree.Dir("dev"), tree.Dir("home"), tree.Dir("mnt"), tree.Dir("opt"), tree.Dir("proc"), tree.Dir("root"), tree.Dir("run"),
		tree.Dir("srv"), tree.Dir("sys"), tree.Dir("var/cache"), tree.Dir("var/lib"), tree.Dir("var/log"),
		tree.Symlink("var/run", "/run"), tree.Symlink("var/lock", "/run/lock"), tree.Dir("run/lock"),
		shared("tmp"), shared("var/tmp"),
	)
	if top, _, _ := strings.Cut(a.machine.loader, "/"); top != "lib" {
		a.build.put(tree.Symlink(top, "usr/"+top))
	}
	return nil
}

// shared is a directory that everybody may write, and nobody delete the files of others.
func shared(name string) tree.File {
	return tree.File{Path: name, Mode: fs.ModeDir | fs.ModeSticky | 0o777}
}

// below adds all files of a package below a directory, but for those that skip leaves out. It
// says whether there was one.
func (a *assembly) below(d *deb, dir string, skip func(rest string) bool) bool {
	found := false
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		rest, ok := strings.CutPrefix(name, dir+"/")
		if e := d.files[name]; ok && !e.mode.IsDir() && (skip == nil || !skip(rest)) {
			a.build.take(d, e)
			found = true
		}
	}
	return found
}

func (a *assembly) addSystem(d *deb) error {
	for _, name := range []string{"usr/lib/os-release", "etc/os-release", "etc/debian_version"} {
		e := d.files[name]
		if e == nil {
			return fmt.Errorf("has no %s", name)
		}
		a.build.take(d, e)
	}
	a.below(d, "usr/share/common-licenses", nil) // which packages' copyright files refer to
	return nil
}

func (a *assembly) addLocale(d *deb) error {
	if !a.below(d, "usr/lib/locale/C.utf8", nil) && !a.below(d, "usr/lib/locale/C.UTF-8", nil) {
		return errors.New("has no locale C.UTF-8")
	}
	return nil
}

// addZones leaves out the copies that count leap seconds (right) or say that they don't (posix).
func (a *assembly) addZones(d *deb) error {
	if d.follow("usr/share/zoneinfo/Etc/UTC") == nil {
		return errors.New("has no usr/share/zoneinfo/Etc/UTC")
	}
	a.below(d, "usr/share/zoneinfo", func(rest string) bool {
		top, _, _ := strings.Cut(rest, "/")
		return top == "right" || top == "posix"
	})
	a.build.put(tree.Symlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"), tree.Text("etc/timezone", "Etc/UTC\n", tree.ModePlain))
	return nil
}

// addCertificates makes the bundle that update-ca-certificates makes, which is what Erlang and
// most others read, and has OpenSSL find it too. The directory of one file for each, under
// hashed names, is left out.
func (a *assembly) addCertificates(d *deb) error {
	const dir = "usr/share/ca-certificates/mozilla"
	var bundle bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		e := d.files[name]
		if path.Dir(name) != dir || path.Ext(name) != ".crt" || !e.mode.IsRegular() {
			continue
		}
		b, err := d.content(e)
		if err != nil {
			return err
		}
		bundle.Write(b)
		if !bytes.HasSuffix(b, []byte("\n")) {
			bundle.WriteByte('\n')
		}
	}
	if bundle.Len() == 0 {
		return fmt.Errorf("has no certificates in %s", dir)
	}
	a.build.note(d)
	a.build.put(tree.Bytes("etc/ssl/certs/ca-certificates.crt", bundle.Bytes(), tree.ModePlain),
		tree.Symlink("usr/lib/ssl/certs", "/etc/ssl/certs"),
		tree.Symlink("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"))
	return nil
}
