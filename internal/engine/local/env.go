package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
)

// A launch is all that decides how one replica's process is started.
type launch struct {
	net      network
	n        int
	state    *state
	release  release
	httpPort int
	node     string // RELEASE_NODE
	listenOn string // inet_dist_use_interface, as Erlang writes it
	env      []string
}

// podFQDN is what `hostname -f` says: the pods of a Deployment have no domain.
func (l launch) fqdn() string {
	if l.net.identity == IdentityStable {
		return l.net.podFQDN(l.n)
	}
	return podName(l.net.app, l.n)
}

func (l launch) dir() string        { return l.state.podDir(podName(l.net.app, l.n)) }
func (l launch) cookiePath() string { return filepath.Join(l.dir(), "cookie") }

// podEnv is what the replica's container would be given, without the cookie.
// Nothing in it replaces flags that the user's own environment sets: ours go
// behind them.
func (l launch) podEnv() []string {
	first, last := l.net.distPorts(l.n)
	inherited := inheritedEnv(l.env)
	flags := fmt.Sprintf("-%s false -%s %s %s %s %d %s %d", beam.FlagStartEPMD,
		beam.Kernel, beam.KernelUseInterface, l.listenOn, beam.KernelListenMin, first, beam.KernelListenMax, last)
	pod, ip := podName(l.net.app, l.n), l.net.addr(l.n).String()
	env := []string{
		"POD_NAME=" + pod,
		"POD_IP=" + ip,
		"POD_NAMESPACE=" + l.net.namespace,
		"HOSTNAME=" + pod,
		"PHIAL_FQDN=" + l.fqdn(), // for the hostname in our bin directory
		"PATH=" + l.state.path("bin") + string(filepath.ListSeparator) + getEnv(inherited, "PATH"),
		beam.EnvReleaseNode + "=" + l.node,
		beam.EnvReleaseDistribution + "=" + beam.DistributionName,
		beam.EnvReleaseTmp + "=" + filepath.Join(l.dir(), "tmp"),
		beam.EnvErlEPMDPort + "=" + strconv.Itoa(l.net.epmdPort()),
		beam.EnvErlInetrc + "=" + filepath.Join(l.dir(), "inetrc"),
		beam.EnvErlCrashDump + "=" + filepath.Join(l.dir(), "erl_crash.dump"),
		beam.EnvErlAFlags + "=" + strings.TrimSpace(getEnv(inherited, beam.EnvErlAFlags)+" "+flags),
	}
	if l.httpPort != 0 {
		env = append(env, "PORT="+strconv.Itoa(l.httpPort), "PHX_SERVER=true")
	}
	if getEnv(inherited, "HOME") == "" {
		env = append(env, "HOME="+l.dir())
	}
	return env
}

// prepare writes the files that the environment speaks of.
func (l launch) prepare(cookie string) error {
	tmp := filepath.Join(l.dir(), "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(l.dir(), "inetrc"), []byte(l.net.inetrc(l.n))); err != nil {
		return err
	}
	return writeFile(l.cookiePath(), []byte(cookie))
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
