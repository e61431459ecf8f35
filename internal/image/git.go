package image

import (
	"context"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Revision is where in version control a project's sources are.
type Revision struct {
	Commit string    // all digits of it; empty where there is no git
	Dirty  bool      // files differ from it, or are not in it
	Time   time.Time // of the commit
	Source string    // address of the remote origin, without a user or password
}

// String is what images are labelled with: the commit, marked where it is not all.
func (r Revision) String() string {
	if r.Commit != "" && r.Dirty {
		return r.Commit + "-dirty"
	}
	return r.Commit
}

// ReadRevision asks git about a directory. Where there is no git, or the directory belongs
// to no repository, nothing is known, and that is no error.
func ReadRevision(ctx context.Context, dir string) Revision {
	git := func(args ...string) (string, bool) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
		cmd.WaitDelay = time.Second
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	head, ok := git("log", "-1", "--format=%H %ct", "HEAD")
	commit, seconds, found := strings.Cut(head, " ")
	if !ok || !found {
		return Revision{}
	}
	r := Revision{Commit: commit}
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		r.Time = time.Unix(n, 0).UTC()
	}
	status, ok := git("status", "--porcelain", "--", ".")
	r.Dirty = !ok || status != ""
	if remote, ok := git("config", "--get", "remote.origin.url"); ok {
		r.Source = withoutSecrets(remote)
	}
	return r
}

// withoutSecrets makes an address of a git remote fit to be published: CI puts tokens into them.
func withoutSecrets(remote string) string {
	if !strings.Contains(remote, "://") { // user@host:path, or a directory of this machine
		if _, rest, ok := strings.Cut(remote, "@"); ok && strings.Contains(rest, ":") {
			host, path, _ := strings.Cut(rest, ":")
			return "https://" + host + "/" + strings.TrimSuffix(strings.TrimPrefix(path, "/"), ".git")
		}
		return ""
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return ""
	}
	if u.Scheme == "ssh" || u.Scheme == "git+ssh" {
		u.Scheme, u.Host = "https", u.Hostname()
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	u.Path = strings.TrimSuffix(u.Path, ".git")
	return u.String()
}
