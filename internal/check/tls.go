package check

import (
	"path"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

var (
	overTLS = regexp.MustCompile(`-` + beam.FlagProtoDist + `\s+inet6?_tls\b`)
	optFile = regexp.MustCompile(`-` + beam.FlagTLSDistOptions + `\s+["']?([^\s"']+)`)
	// unverified is an option that has TLS take anybody's certificate, as a flag or as a term.
	unverified = regexp.MustCompile(`verify["']?\s*,?\s*["']?verify_none\b`)
)

// weakTLS finds distribution over TLS that asks nobody who they are, and certificates that are renewed where the node does
// not see it.
func weakTLS(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		ours := in.ofProject(b)
		all := vmFlags(in, b, ours)
		if !overTLS.MatchString(all) || in.clustered(b) == "" || managed(b.Workload) {
			continue
		}
		in.unverifiedFlags(b, ours, f)
		if m := optFile.FindStringSubmatch(all); m != nil {
			in.unverifiedFile(b, path.Base(m[1]), ours, f)
		}
		in.renewedUnseen(b, f)
	}
}

const takesAny = "distribution over TLS takes anybody's certificate (verify_none): whoever reaches the port and has the cookie is let in, and no node knows whom it has reached"

func (in *Input) unverifiedFlags(b Beam, ours bool, f *Finder) {
	for e := range b.Container.Env() {
		if unverified.MatchString(e.Value().String()) {
			f.At(b.Object, e.Value(), takesAny)
		}
	}
	if !ours {
		return
	}
	for _, v := range in.projectOf(b).VMArgs {
		for _, flag := range v.Flags {
			if v.Taken && unverified.MatchString(flag.String()) {
				f.In(subjectOf(in.Project), flag.At, takesAny)
			}
		}
	}
}

// unverifiedFile looks for the file of -ssl_dist_optfile among ConfigMaps and in rel/.
func (in *Input) unverifiedFile(b Beam, name string, ours bool, f *Finder) {
	for _, o := range in.Objects.OfKind("ConfigMap") {
		at := o.At("data").Key(name)
		if manifest.SameNamespace(o, b.Object) && in.mounts(b, o) && unverified.MatchString(at.String()) {
			f.AtName(b.Object, at, takesAny)
		}
	}
	if !ours {
		return
	}
	for _, dir := range []string{"rel", "rel/overlays", "rel/overlays/etc", "rel/overlays/config", "rel/overlays/releases", "config"} {
		for _, ending := range []string{"", ".eex"} {
			file := path.Join(dir, name+ending)
			for n, line := range numbered(in.ProjectText(file)) {
				if loc := unverified.FindStringIndex(line); loc != nil && !strings.HasPrefix(strings.TrimSpace(line), "%") {
					f.In(subjectOf(in.Project), project.Pos{File: file, Line: n, Col: len([]rune(line[:loc[0]])) + 1}, takesAny)
				}
			}
		}
	}
}

// mounts says whether a pod has a volume of a ConfigMap.
func (in *Input) mounts(b Beam, o *manifest.Object) bool {
	for v := range b.Pod.Key("volumes").Items() {
		if v.At("configMap.name").String() == o.Name {
			return true
		}
		for s := range v.At("projected.sources").Items() {
			if s.At("configMap.name").String() == o.Name {
				return true
			}
		}
	}
	return false
}

// renewedUnseen finds certificates of cert-manager's that the kubelet does not carry into the pod once they are renewed. OTP
// reads a certificate anew for new links, where its file changes.
func (in *Input) renewedUnseen(b Beam, f *Finder) {
	secrets := map[string]*manifest.Object{}
	for _, o := range in.Objects.OfKind("Certificate") {
		if name := o.At("spec.secretName").String(); name != "" && o.Group() == "cert-manager.io" && manifest.SameNamespace(o, b.Object) {
			secrets[name] = o
		}
	}
	if len(secrets) == 0 || restarted(b) {
		return
	}
	for v := range b.Pod.Key("volumes").Items() {
		o := secrets[v.At("secret.secretName").String()]
		if o == nil {
			continue
		}
		for m := range b.Container.Key("volumeMounts").Items() {
			sub := m.Key("subPath")
			if m.Key("name").String() == v.Key("name").String() && !sub.Null() {
				f.At(b.Object, sub, "%s is mounted by subPath, where what is renewed never arrives: the node goes on with the certificate that it began with, until that expires", o.Label()).
					Also(o.At("spec.secretName"), "cert-manager renews it").
					Mend("mount the whole volume as a directory, or have the pods restarted when the Secret changes")
			}
		}
	}
}

// restarted says whether annotations speak of a program that restarts pods when their Secrets change.
func restarted(b Beam) bool {
	for _, at := range []manifest.Field{b.At("metadata.annotations"), b.Template.At("metadata.annotations")} {
		for name := range at.Fields() {
			if strings.Contains(name, "reloader") || strings.HasPrefix(name, "checksum/") {
				return true
			}
		}
	}
	return false
}
