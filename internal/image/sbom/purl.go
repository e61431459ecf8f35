package sbom

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// purl is a package URL, https://github.com/package-url/purl-spec: pkg:KIND/NAME@VERSION?QUALIFIERS#SUBPATH.
type purl struct {
	kind, namespace, name, version string
	qualifiers                     []string // name, value, …, sorted by name; those without a value are left out
	subpath                        string
}

func (p purl) String() string {
	var b strings.Builder
	b.WriteString("pkg:" + p.kind + "/")
	for _, s := range []string{p.namespace, p.name} {
		for part := range strings.SplitSeq(s, "/") {
			if part != "" {
				b.WriteString(escape(part) + "/")
			}
		}
	}
	s := strings.TrimSuffix(b.String(), "/")
	if p.version != "" {
		s += "@" + escape(p.version)
	}
	sep := "?"
	for i := 0; i+1 < len(p.qualifiers); i += 2 {
		if p.qualifiers[i+1] != "" {
			s += sep + p.qualifiers[i] + "=" + escape(p.qualifiers[i+1])
			sep = "&"
		}
	}
	sep = "#"
	for part := range strings.SplitSeq(p.subpath, "/") {
		if part != "" && part != "." && part != ".." {
			s += sep + escape(part)
			sep = "/"
		}
	}
	return s
}

// escape writes what a package URL takes as it is, and the other bytes as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-_~:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// otpURL is the package URL of an application that a language's own repository holds. Erlang's own statements about
// vulnerabilities name their applications in this way.
func otpURL(name, version, repository string) string {
	return purl{kind: "otp", name: name, version: version,
		qualifiers: []string{"repository_url", repository, "vcs_url", "git+" + repository + ".git"}}.String()
}

// ociURL is that of an image in a repository.
func ociURL(repository, tag, digest string) string {
	full := ""
	if strings.Contains(repository, "/") {
		full = strings.ToLower(repository)
	}
	return purl{kind: "oci", name: strings.ToLower(path.Base(repository)), version: digest, qualifiers: []string{"repository_url", full, "tag", tag}}.String()
}

// hexURL is that of a package. A repository that is not the public one has only its name in mix.lock, and without that the
// URL would be another package's.
func hexURL(repo, name, version string) string {
	p := purl{kind: "hex", name: strings.ToLower(name), version: version}
	switch org, ok := strings.CutPrefix(repo, "hexpm:"); {
	case ok:
		p.namespace = strings.ToLower(org)
	case repo != "" && repo != "hexpm":
		p.qualifiers = []string{"repository_url", repo}
	}
	return p.String()
}

// gitURL is that of a commit: by its place on a hosting service where package URLs know it, else by the repository's URL.
func gitURL(name, version, remote, commit, subdir string) string {
	open, ok := openURL(remote)
	if !ok {
		return purl{kind: "generic", name: name, version: version}.String()
	}
	if u, err := url.Parse(open); err == nil {
		dir, repo := path.Split(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"))
		kind := map[string]string{"github.com": "github", "bitbucket.org": "bitbucket"}[strings.ToLower(u.Hostname())]
		if kind != "" && dir != "" && repo != "" {
			return purl{kind: kind, namespace: strings.ToLower(dir), name: strings.ToLower(repo), version: commit, subpath: subdir}.String()
		}
	}
	at := ""
	if commit != "" {
		at = "@" + commit
	}
	return purl{kind: "generic", name: name, version: version, qualifiers: []string{"vcs_url", "git+" + open + at}, subpath: subdir}.String()
}

// openURL is the URL of a git repository as everybody may see it: without the user and password that some write into it,
// and with its scheme. A path of this machine is none.
func openURL(remote string) (string, bool) {
	if !strings.Contains(remote, "://") { // git@host:path
		host, p, ok := strings.Cut(remote, ":")
		if !ok || p == "" || strings.ContainsAny(host, "/\\") {
			return "", false
		}
		_, after, ok := strings.Cut(host, "@")
		if ok {
			host = after
		}
		remote = "ssh://" + host + "/" + strings.TrimPrefix(p, "/")
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" || u.Scheme == "file" || strings.Contains(u.Host, "@") {
		return "", false
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if u.Scheme == "ssh" {
		u.User = url.User("git")
	}
	return u.String(), true
}

// cpe names a version in the way in which the National Vulnerability Database does.
func cpe(vendor, product, version string) string {
	version, _, _ = strings.Cut(version, "+")
	version, update, _ := strings.Cut(version, "-")
	update = strings.ReplaceAll(update, ".", "")
	return "cpe:2.3:a:" + vendor + ":" + product + ":" + cpePart(version) + ":" + or(cpePart(update), "*") + ":*:*:*:*:*:*"
}

// cpePart puts a backslash before what has a meaning there.
func cpePart(s string) string {
	var b strings.Builder
	for _, r := range s {
		if allowed := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r); !allowed {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
