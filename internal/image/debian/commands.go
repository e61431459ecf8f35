package debian

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
)

// comfort is what the root has of busybox whether a script calls it or not: what the start
// scripts of mix and rebar3 may call, and what people type who look into a running
// container. Nothing that listens.
var comfort = strings.Fields(`sh ash [ [[ awk basename cat chmod clear cmp cp cut date dd df diff dirname du echo egrep env expr false
	fgrep find free grep gunzip gzip head hexdump hostname id ip kill less ln ls md5sum mkdir mktemp more mv netstat nproc nslookup od
	pidof ping printf ps pwd readlink realpath rm rmdir sed seq sha256sum sleep sort stat stty tail tar tee test
	timeout top touch tr traceroute true tty uname uniq uptime vi watch wc wget which whoami xargs yes zcat`)

// addCommands adds busybox, with a symbolic link for each of its commands that is wanted and
// that no package brings.
func (a *assembly) addCommands(ctx context.Context) error {
	d, err := a.openNamed(ctx, "busybox")
	if err != nil {
		return err
	}
	chain := d.follow("usr/bin/busybox")
	if chain == nil || !chain[len(chain)-1].mode.IsRegular() {
		return fmt.Errorf("the package busybox %s has no usr/bin/busybox: use another mirror", d.Version)
	}
	e := chain[len(chain)-1]
	b, err := d.content(e)
	if err != nil {
		return err
	}
	has := applets(b)
	if !slices.Contains(has, "sh") {
		return fmt.Errorf("the package busybox %s doesn't tell which commands it has, in a form that is known here: please report this", d.Version)
	}
	if _, err := a.addELF(d, e); err != nil {
		return err
	}
	for _, e := range chain {
		a.build.take(d, e)
	}
	for _, name := range comfort {
		if slices.Contains(has, name) && !a.hasCommand(name) {
			a.build.put(tree.Symlink("usr/bin/"+name, "busybox"))
		}
	}
	if slices.Contains(has, "nologin") && !a.build.has("usr/sbin/nologin") {
		a.build.put(tree.Symlink("usr/sbin/nologin", "../bin/busybox")) // the shell of passwd
	}
	for _, asked := range a.Commands {
		name := asked
		if path.IsAbs(name) && strings.HasSuffix(path.Dir(name), "bin") {
			name = path.Base(name)
		}
		switch {
		case a.hasCommand(name):
		case slices.Contains(has, name):
			a.build.put(tree.Symlink("usr/bin/"+name, "busybox"))
		case !slices.Contains(a.missing.Commands, asked):
			a.missing.Commands = append(a.missing.Commands, asked)
		}
	}
	slices.Sort(a.missing.Commands)
	return nil
}

func (a *assembly) hasCommand(name string) bool {
	return slices.ContainsFunc([]string{"usr/bin/", "usr/sbin/", "usr/local/bin/"}, func(dir string) bool { return a.build.has(dir + name) })
}

// applets finds the list of its commands in a busybox: names in order, each with a zero behind
// it, of which "[" and "[[" are the first (applet_names of applet_tables.h).
func applets(program []byte) (names []string) {
	at := bytes.Index(program, []byte("\x00[\x00[[\x00"))
	if at < 0 {
		return nil
	}
	for rest := program[at+1:]; ; {
		name, after, ok := bytes.Cut(rest, []byte{0})
		s := string(name)
		if !ok || s == "" || len(names) > 0 && s <= names[len(names)-1] ||
			strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-[.") != "" {
			return names
		}
		names = append(names, s)
		rest = after
	}
}
