package check

import (
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// naming are rules about what nodes are called.
var naming = []Rule{
	{
		Code: "NAM-04", Title: "a name without a host",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests | EnvSh,
		Looks: "Variables that rel/env.sh.eex makes the node's name of, against those that the container has; the script is followed as the shell would.",
		Why:   "RELEASE_NODE becomes app@, or the script ends: the node does not start. Can't set long node name!",
		Fix:   "give the container the variable: POD_IP by fieldRef: status.podIP; : \"${POD_IP:?}\" in env.sh says it in words",
		Check: hostless,
	},
	{
		Code: "NAM-05", Title: "a shell command in a manifest's value",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Values of a release's variables, for $(command arguments), `command`, ${VARIABLE} and white space in RELEASE_NODE.",
		Why:   "The kubelet runs no shell: it replaces $(VARIABLE) and leaves everything else as it stands. The release's start script then takes the words for several, and the release does not start: cannot get bootfile.",
		Fix:   "set the host from POD_IP (fieldRef: status.podIP) as RELEASE_NODE=app@$(POD_IP), or compute it in rel/env.sh.eex",
		Mends: true,
		Hides: []finding.Code{"NAM-06", "NAM-07", "NAM-12"},
		Check: shellInValue,
	},
	{
		Code: "NAM-06", Title: "an address by hostname -i",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "hostname -i and hostname -I in commands, arguments and variables.",
		Why:   "They print every address of the pod, or one of several: with two networks or two families the node's name has a space in it, or the wrong address.",
		Fix:   "take POD_IP (fieldRef: status.podIP), of which there is one",
		Check: hostnameAddress,
	},
	{
		Code: "NAM-07", Title: "a variable that is not there yet",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "$(VARIABLE) in a release's variables, against the variables that stand before it.",
		Why:   "The kubelet replaces only what was defined further up; anything else stays as it is, so the node is called app@$(POD_IP) literally.",
		Fix:   "define the variable above the one that uses it",
		Hides: []finding.Code{"NAM-12"},
		Check: undefinedReference,
	},
	{
		Code: finding.LoopbackName, Title: "a name that every machine has",
		Severity: finding.Error, Confidence: Certain, Needs: Project,
		Looks: "127.0.0.1 and localhost in the name that the Dockerfile, vm.args or rel/env.sh.eex gives, in releases that are meant to be one mesh. It is an error where the prediction of the mesh has replicas with such a name, which others dial by another.",
		Why:   "A name that is fixed when the image is built, or falls back to 127.0.0.1, is the same for every replica: whoever dials it reaches itself.",
		Fix:   "name the node when it starts, from POD_IP, and fail where that is not set: RELEASE_NODE=app@${POD_IP:?}",
		Hides: []finding.Code{finding.HostMismatch},
		Check: loopbackName,
	},
	{
		Code: finding.PodRecordName, Title: "a pod's A record as host",
		Severity: finding.Info, Confidence: Hint, Needs: Deployment,
		Looks: "Names such as 10-0-0-1.namespace.pod.cluster.local in RELEASE_NODE and rel/env.sh.eex, and mode: :dns of libcluster's Kubernetes strategy.",
		Why:   "CoreDNS answers for pods' own records only with pods insecure or pods verified in its Corefile, which no manifest of the app shows.",
		Fix:   "name the node base@$POD_IP, or take a StatefulSet, whose pods have names",
		Check: podRecords,
	},
	{
		Code: "NAM-11", Title: "a setting without effect",
		Severity: finding.Error, Confidence: Certain, Needs: Project,
		Looks: "Variables of the container that rel/env.sh.eex sets anew whatever they are, Dockerfiles that run mix release before rel/ is copied, or never copy it, and .dockerignore, which may keep it out of the build; rel_templates_path in mix.exs says where it is. It is an error where the prediction of the mesh has replicas that part for it.",
		Why:   "rel/env.sh is read after the container's environment, so what it exports wins; and a rel/ that is not there when the release is built is not in it.",
		Fix:   "write ${VARIABLE:-default} in env.sh; copy rel/ before mix release",
		Hides: []finding.Code{finding.ShortAgainstLong, finding.HostMismatch, finding.BasenameMismatch, codeShortWithLong},
		Check: overridden,
	},
	{
		Code: "NAM-12", Title: "short names with a long host",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "RELEASE_DISTRIBUTION=sname beside a RELEASE_NODE with an address, or with a dot in its host.",
		Why:   "A short name has no dot in its host: the node does not start. Can't set short node name!",
		Fix:   "set RELEASE_DISTRIBUTION to name",
		Mends: true,
		Check: shortWithLongHost,
	},
	{
		Code: finding.OtherNodeAnswers, Title: "two apps with one name",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "Workloads of different images whose nodes have the same base name before @$(POD_IP), and the same cookie.",
		Why:   "Addresses of pods are used again: a node that dials an address it remembers may reach the other app, and is let in.",
		Fix:   "give each app a base name and a cookie of its own",
		Check: sameNames,
	},
	{
		Code: "NAM-14", Title: "members that are known by name, and names that change",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Mnesia, ra and Khepri in the code, beside a Deployment or nodes that are named by their address, and Mnesia's tables on disk beside pods without a volume.",
		Why:   "They write down the names of their members. A pod that starts anew under another name is a new member; the old one stays, and is waited for.",
		Fix:   "use a StatefulSet with serviceName, a volume for each pod, and nodes named base@$(hostname -f)",
		Check: func(in *Input, f *Finder) {
			unstableNames(in, f)
			lostTables(in, f)
		},
	},
	{
		Code: "NAM-15", Title: "a name that is too long",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Names of StatefulSets beyond 52 characters, and the full names of pods beyond 64 with setHostnameAsFQDN.",
		Why:   "A StatefulSet's name and the hash of its revision have to fit into a label of 63 characters, and a host name into 64: the pods are never made, or never start.",
		Fix:   "take a shorter name",
		Check: nameTooLong,
	},
	{
		Code: codeWindowsEnds, Title: "line ends of Windows in the start script",
		Severity: finding.Error, Confidence: Certain, Needs: EnvSh,
		Looks: "Lines of rel/env.sh.eex that end in a carriage return; the script is followed as the shell would.",
		Why:   "To sh a carriage return is part of the last word: an empty line is a command that there is not, then and fi are not known, and RELEASE_DISTRIBUTION is none of name, sname and none. The release does not start.",
		Fix:   "write rel/env.sh.eex with plain line ends (dos2unix rel/env.sh.eex), and keep them so: *.eex text eol=lf in .gitattributes",
		Check: windowsEnds,
	},
}

// codeWindowsEnds is of a start script that sh does not read for its line ends.
const codeWindowsEnds finding.Code = "NAM-17"

// nodeEnv are the variables that the start script takes apart itself.
func nodeEnv(name string) bool {
	switch name {
	case beam.EnvReleaseNode, beam.EnvReleaseName, beam.EnvReleaseDistribution:
		return true
	}
	return false
}

var (
	// reference is what the kubelet replaces.
	reference = regexp.MustCompile(`\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)`)
	// command is what only a shell would: a program with arguments, or one that is called like a program.
	command = regexp.MustCompile("\\$\\([a-z][^()]*\\)|`[a-z][^`]*`")
	braces  = regexp.MustCompile(`\$\{[A-Za-z_][^}]*\}`)
)

func shellInValue(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		above := map[string]bool{}
		for e := range b.Container.Env() {
			shellIn(in, f, b, e, above)
			above[e.Called] = true
		}
	}
}

// shellIn looks at one variable; above are those that stand before it.
func shellIn(in *Input, f *Finder, b Beam, e manifest.EnvVar, above map[string]bool) {
	value, ok := e.Value().Text()
	if !ok || !nodeEnv(e.Called) && !strings.HasPrefix(e.Called, "RELEASE_") && !strings.HasPrefix(e.Called, "PHX_") && !strings.HasPrefix(e.Called, "DNS_CLUSTER") {
		return
	}
	what := command.FindString(value)
	if what == "" {
		what = braces.FindString(value)
	}
	switch {
	case above[strings.TrimSuffix(strings.TrimPrefix(what, "$("), ")")]: // a variable after all
	case what != "" && nodeEnv(e.Called):
		f.At(b.Object, e.Value(), "%s is set to a text with %s in it, and no shell sees it: the release does not start", e.Called, what).
			Edited(in.asReference(e, above)).ifInEffect(in, b, e.Called)
	case what != "":
		f.At(b.Object, e.Value(), "%s is set to a text with %s in it, and no shell sees it", e.Called, what).As(finding.Warning, Certain).
			Edited(in.asReference(e, above)).ifInEffect(in, b, e.Called)
	case nodeEnv(e.Called) && strings.ContainsAny(value, " \t\n"):
		f.At(b.Object, e.Value(), "%s has white space in it: the start script takes it for several words, and the release does not start", e.Called).
			Mend("write the name without spaces and line ends").ifInEffect(in, b, e.Called)
	}
}

// asReference is an edit that writes ${NAME} in a variable as $(NAME), where all names are defined above it.
func (in *Input) asReference(e manifest.EnvVar, above map[string]bool) (manifest.Edit, bool) {
	value := e.Value().String()
	now, ok := forKubelet(value, above)
	if !ok || command.MatchString(value) {
		return manifest.Edit{}, false
	}
	return in.Objects.Replace(e.Value(), now)
}

var hostnameI = regexp.MustCompile(`\bhostname\s+-[a-zA-Z]*[iI]\b`)

func hostnameAddress(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			for e := range c.Env() {
				if hostnameI.MatchString(e.Value().String()) {
					f.At(b.Object, e.Value(), "%s is to be what hostname -i prints, which may be several addresses", e.Called)
				}
			}
			for _, w := range c.Words() {
				if hostnameI.MatchString(w.String()) {
					f.At(b.Object, w, "the container %s asks hostname -i for its address, which may print several", c.Called)
				}
			}
		}
	}
}

func undefinedReference(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			undefinedIn(in, b, c, f)
		}
	}
}

func undefinedIn(in *Input, b Beam, c manifest.Container, f *Finder) {
	defined, all := map[string]bool{}, map[string]manifest.EnvVar{}
	for e := range c.Env() {
		all[e.Called] = e
	}
	for e := range c.Env() {
		for _, m := range reference.FindAllStringSubmatch(e.Value().String(), -1) {
			name := m[1]
			if name == "" || defined[name] || command.MatchString(m[0]) || serviceVariable(name) {
				continue
			}
			later, ok := all[name]
			switch {
			case ok && nodeEnv(e.Called):
				f.At(b.Object, e.Value(), "%s uses $(%s), which is defined below it: the name has these characters in it, literally", e.Called, name).
					Also(later.Key("name"), "defined here").ifInEffect(in, b, e.Called)
			case ok:
				f.At(b.Object, e.Value(), "%s uses $(%s), which is defined below it, so it is not replaced", e.Called, name).
					As(finding.Warning, Certain).Also(later.Key("name"), "defined here")
			case c.EnvFrom():
			case nodeEnv(e.Called):
				f.At(b.Object, e.Value(), "%s uses $(%s), which the container does not define: the name has these characters in it, literally", e.Called, name).
					Mend("define %s above it%s", name, fieldFor(name)).ifInEffect(in, b, e.Called)
			default:
				f.At(b.Object, e.Value(), "%s uses $(%s), which the container does not define, so it is not replaced", e.Called, name).
					As(finding.Warning, Certain).Mend("define %s above it%s", name, fieldFor(name))
			}
		}
		defined[e.Called] = true
	}
}

// serviceVariable tells those that the kubelet adds for Services.
func serviceVariable(name string) bool {
	return strings.Contains(name, "_SERVICE_") || strings.Contains(name, "_PORT")
}

func fieldFor(name string) string {
	field := map[string]string{"POD_IP": "status.podIP", "POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "HOST_IP": "status.hostIP"}[name]
	if field == "" {
		return ""
	}
	return ", by fieldRef: " + field
}

func shortWithLongHost(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		dist, ok := b.Container.EnvVar(beam.EnvReleaseDistribution)
		node, set := b.Container.EnvVar(beam.EnvReleaseNode)
		if !ok || !set || dist.Value().String() != beam.DistributionSName {
			continue
		}
		host := nodeHost(b)
		if !strings.Contains(reference.ReplaceAllString(host, ""), ".") && !strings.Contains(host, "$(POD_IP)") {
			continue
		}
		n := f.At(b.Object, dist.Value(), "nodes are to have short names, and RELEASE_NODE ends in the long host %s", host).Also(node.Value(), "the name")
		n.Edited(in.Objects.Replace(dist.Value(), beam.DistributionName)).ifInEffect(in, b, beam.EnvReleaseDistribution).ifInEffect(in, b, beam.EnvReleaseNode)
	}
}

func nameTooLong(in *Input, f *Finder) {
	for w := range in.Objects.Workloads() {
		if w.Kind == "StatefulSet" && len(w.Name) > 52 {
			f.At(w.Object, w.At("metadata.name"), "the StatefulSet's name has %d characters, and only 52 leave room for the hash of its revision: no pod is made", len(w.Name))
		}
		if at := w.Pod.Key("setHostnameAsFQDN"); at.True() {
			pod := len(w.Name)
			switch w.Kind {
			case "StatefulSet":
				pod += len("-0")
			case "Deployment":
				pod += len("-5d4f8b9c7d-x2x4z")
			}
			service, ns := w.Pod.Key("subdomain").String(), w.Namespace
			if w.Kind == "StatefulSet" {
				service = w.At("spec.serviceName").String()
			}
			if service == "" || ns == "" {
				continue // the host name stays short, or the length is not known
			}
			if n := pod + len(service) + len(ns) + len("...svc.cluster.local"); n > 64 {
				f.At(w.Object, at, "with setHostnameAsFQDN a pod's host name has about %d characters, and Linux takes 64: the pods do not start", n).As(finding.Warning, Likely)
			}
		}
	}
}
