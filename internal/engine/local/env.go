package local

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/host"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/release"
)

// A launch is all that decides how one replica's process is started: what the plan
// says of it, and where it runs.
type launch struct {
	net      network
	n        int // place
	plan     *plan.Plan
	work     *workload
	mounts   mounts
	state    *state
	release  release.Release
	httpPort int
	listenOn string   // inet_dist_use_interface, as Erlang writes it
	node     string   // in place of the planned RELEASE_NODE; empty: that
	env      []string // what the engine was called with
}

// fqdn is what `hostname -f` says: the pods of a Deployment have no domain.
func (l launch) fqdn() string {
	if l.net.identity == IdentityStable && l.work.member {
		return l.net.podFQDN(l.n)
	}
	return l.net.pod(l.n)
}

func (l launch) dir() string        { return l.state.podDir(l.net.pod(l.n)) }
func (l launch) cookiePath() string { return filepath.Join(l.dir(), "cookie") }
func (l launch) inetrcPath() string { return filepath.Join(l.dir(), "inetrc") }

// planned is the container's environment as the plan has it and as it has to be here,
// for a cookie.
func (l launch) planned(cookie string) ([]variable, []missing) {
	inherited := host.InheritedEnv(l.env)
	return environment(l.work.container, surroundings{
		field: func(path string) (string, bool) {
			return podField(l.work.template, l.net.pod(l.n), l.net.namespace, l.net.addr(l.n).String(), path)
		},
		secret: func(name, key string) (string, bool) {
			return cookie, name == l.plan.Cookie.SecretName && key == plan.CookieKey
		},
		configMap: func(name, key string) (string, bool) {
			if l.plan.ConfigMap == nil || l.plan.ConfigMap.Name != name {
				return "", false
			}
			v, ok := l.plan.ConfigMap.Data[key]
			return v, ok
		},
		outside: func(name string) (string, bool) { return host.LookupEnv(inherited, name) },
		here:    l.here,
		cookie:  cookie,
	})
}

// podEnv is what the replica's container would be given, without the cookie.
// Nothing in it replaces flags that the user's own environment sets in ERL_AFLAGS.
func (l launch) podEnv() []string {
	vars, _ := l.planned(noCookie)
	env := l.added()
	for _, v := range vars {
		if !v.cookie {
			env = append(env, v.name+"="+v.value)
		}
	}
	if host.GetEnv(host.MergeEnv(host.InheritedEnv(l.env), env), "HOME") == "" {
		env = append(env, "HOME="+l.dir())
	}
	return env
}

// noCookie stands where a cookie would, to see who would have it.
const noCookie = "\x00no cookie\x00"

// cookieEnv is what podEnv leaves out.
func (l launch) cookieEnv(cookie string) []string {
	vars, _ := l.planned(cookie)
	var env []string
	for _, v := range vars {
		if v.cookie {
			env = append(env, v.name+"="+v.value)
		}
	}
	return env
}

// prepare writes the files that the environment speaks of.
func (l launch) prepare(cookie string) error {
	if err := os.MkdirAll(l.dir(), 0o700); err != nil {
		return err
	}
	if err := l.mounts.make(cookie); err != nil {
		return err
	}
	vars, _ := l.planned(noCookie)
	for _, v := range vars {
		if (v.name == beam.EnvReleaseTmp || v.name == "HOME") && strings.HasPrefix(v.value, l.dir()+"/") {
			if err := os.MkdirAll(v.value, 0o700); err != nil {
				return err
			}
		}
	}
	if err := host.WriteFile(l.inetrcPath(), []byte(l.net.inetrc(l.n))); err != nil {
		return err
	}
	return host.WriteFile(l.cookiePath(), []byte(cookie))
}

// hostnameScript answers as hostname does in a pod, for start scripts that
// make a node name of `hostname -f` or `hostname -i`.
const hostnameScript = `#!/bin/sh
# hostname, as it answers in the pod that this process stands for.
case "${1-}" in
  "" | -s | --short) echo "$POD_NAME" ;;
  -f | --fqdn | --long | -A | --all-fqdns) echo "$PHIAL_FQDN" ;;
  -i | --ip-address | -I | --all-ip-addresses) echo "$POD_IP" ;;
  -d | --domain) case "$PHIAL_FQDN" in *.*) echo "${PHIAL_FQDN#*.}" ;; *) echo ;; esac ;;
  *) echo "hostname: only -f, -i, -I, -s, -d and -A are answered here" >&2; exit 1 ;;
esac
`
