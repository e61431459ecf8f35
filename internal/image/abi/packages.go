package abi

import (
	"path"
	"slices"
	"strings"
)

// packages are the names under which distributions have what releases ask for most.
type packages struct{ debian, alpine string }

var ofLibrary = map[string]packages{
	"libcrypto.so.3":   {"libssl3", "libcrypto3"},
	"libssl.so.3":      {"libssl3", "libssl3"},
	"libgcc_s.so.1":    {"libgcc-s1", "libgcc"},
	"libncurses.so.6":  {"libncurses6", "ncurses-libs"},
	"libncursesw.so.6": {"libncursesw6", "ncurses-libs"},
	"libodbc.so.2":     {"libodbc2", "unixodbc"},
	"libsctp.so.1":     {"libsctp1", "lksctp-tools"},
	"libsqlite3.so.0":  {"libsqlite3-0", "sqlite-libs"},
	"libstdc++.so.6":   {"libstdc++6", "libstdc++"},
	"libsystemd.so.0":  {"libsystemd0", ""},
	"libtinfo.so.6":    {"libtinfo6", "ncurses-libs"},
	"libz.so.1":        {"zlib1g", "zlib"},
	"libzstd.so.1":     {"libzstd1", "zstd-libs"},
	"libsodium.so.23":  {"libsodium23", "libsodium"},
	"libvips.so.42":    {"libvips42", "vips"},
	"libatomic.so.1":   {"libatomic1", "libatomic"},
	"libgomp.so.1":     {"libgomp1", "libgomp"},
	"libxml2.so.2":     {"libxml2", "libxml2"},
	"libmagic.so.1":    {"libmagic1", "libmagic"},
	"libpq.so.5":       {"libpq5", "libpq"},
}

var ofProgram = map[string]packages{
	"awk": {"mawk", "gawk"}, "bash": {"bash", "bash"}, "curl": {"curl", "curl"}, "dash": {"dash", "dash"},
	"grep": {"grep", "grep"}, "sed": {"sed", "sed"}, "ps": {"procps", "procps"}, "tini": {"tini", "tini"},
	"hostname": {"hostname", ""}, "ip": {"iproute2", "iproute2"}, "dig": {"bind9-dnsutils", "bind-tools"},
	"nslookup": {"bind9-dnsutils", "bind-tools"}, "jq": {"jq", "jq"}, "envsubst": {"gettext-base", "gettext-envsubst"},
	"nc": {"netcat-openbsd", "netcat-openbsd"}, "openssl": {"openssl", "openssl"}, "wget": {"wget", "wget"},
	"getent": {"libc-bin", "musl-utils"}, "gosu": {"gosu", ""}, "su-exec": {"", "su-exec"}, "psql": {"postgresql-client", "postgresql-client"},
	"ping": {"iputils-ping", "iputils"}, "find": {"findutils", "findutils"}, "xargs": {"findutils", "findutils"},
	"inotifywait": {"inotify-tools", "inotify-tools"}, "aws": {"awscli", "aws-cli"}, "python3": {"python3", "python3"},
	"node": {"nodejs", "nodejs"}, "perl": {"perl", "perl"}, "erl": {"erlang-base", "erlang"}, "escript": {"erlang-base", "erlang"},
}

// coreutils are those of the package of that name that start scripts use.
var coreutils = strings.Fields("basename cat chmod cp cut date dd dirname env expr head hostid id ln ls mkdir mktemp mv nohup nproc od printenv readlink realpath rm seq sleep sort stat tail tee timeout touch tr uname uniq wc whoami")

// packageOf gives the name of a library's package in the base's distribution, "" where it is not known.
func packageOf(lib string, base *Root) string { return ofLibrary[lib].in(base) }

func (p packages) in(base *Root) string {
	words := strings.Fields(base.osRelease("ID") + " " + base.osRelease("ID_LIKE"))
	switch {
	case slices.Contains(words, "debian"):
		return p.debian
	case slices.Contains(words, "alpine"):
		return p.alpine
	}
	return ""
}

// installPrograms says what to install for programs.
func (c *checker) installPrograms(names []string) string {
	var all []string
	for _, name := range names {
		p := ofProgram[path.Base(name)]
		if slices.Contains(coreutils, path.Base(name)) {
			p = packages{"coreutils", "coreutils"}
		}
		if path.Base(name) == "sh" {
			p = packages{"dash", "busybox"}
		}
		if pkg := p.in(c.base); pkg != "" && !slices.Contains(all, pkg) {
			all = append(all, pkg)
		}
	}
	if len(all) == 0 {
		return "install them in the base"
	}
	slices.Sort(all)
	return "install them in the base (" + list(all) + ")"
}
