package image

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/host"
	"github.com/phialdev/phial/internal/release"
)

// Labels and annotations of OCI (image-spec, annotations.md).
const (
	labelPrefix     = "org.opencontainers.image."
	labelTitle      = labelPrefix + "title"
	labelVersion    = labelPrefix + "version"
	labelRevision   = labelPrefix + "revision"
	labelSource     = labelPrefix + "source"
	labelCreated    = labelPrefix + "created"
	labelBaseName   = labelPrefix + "base.name"
	labelBaseDigest = labelPrefix + "base.digest"
	labelERTS       = "dev.phial.erts"
	labelAssembled  = "dev.phial.base"
)

// config is the image's configuration: the base's, with the release started in exec form
// as process 1, by a user who is not root and owns nothing of it, in a root that may be
// read-only.
func (b *builder) config(r release.Release, p *Platform) *v1.ConfigFile {
	c := p.base.config.DeepCopy()
	c.OS, c.Architecture, c.Created = "linux", p.Arch, b.created()
	c.Author, c.Container, c.DockerVersion = "", "", "" //nolint:staticcheck // an old base may have them
	c.Config.Entrypoint = nil
	c.Config.Cmd = []string{"/" + Root + "/bin/" + r.Name, "start"}
	c.Config.WorkingDir = "/" + Root
	c.Config.User = fmt.Sprintf("%d:%d", userID, userID)
	c.Config.StopSignal = "SIGTERM"
	c.Config.Healthcheck, c.Config.OnBuild, c.Config.Image = nil, nil, "" // the base's, or Docker's own
	c.Config.Env = host.MergeEnv(c.Config.Env, []string{
		"LANG=C.UTF-8",
		"HOME=/tmp",
		beam.EnvReleaseTmp + "=/tmp",
	}, b.Env)
	if len(b.Ports) > 0 {
		c.Config.ExposedPorts = map[string]struct{}{}
		for _, port := range b.Ports {
			c.Config.ExposedPorts[strconv.Itoa(port)+"/tcp"] = struct{}{}
		}
	}
	labels := map[string]string{}
	for k, v := range c.Config.Labels {
		if !strings.HasPrefix(k, labelPrefix) { // what the base says of itself is not true of this image
			labels[k] = v
		}
	}
	maps.Copy(labels, b.labels(r, p))
	maps.Copy(labels, b.Labels)
	c.Config.Labels = labels
	return c
}

// labels say what is in the image.
func (b *builder) labels(r release.Release, p *Platform) map[string]string {
	l := map[string]string{
		labelTitle:   r.Name,
		labelVersion: r.Version,
	}
	set := func(k, v string) {
		if v != "" {
			l[k] = v
		}
	}
	set(labelERTS, r.ERTS)
	set(labelRevision, b.Revision.String())
	set(labelSource, b.Revision.Source)
	if !b.Created.IsZero() {
		set(labelCreated, b.Created.UTC().Format(time.RFC3339))
	}
	if p.base.digest != "" {
		if p.base.remote { // a path of this machine says nothing on another
			set(labelBaseName, p.base.name)
		}
		set(labelBaseDigest, p.base.digest)
	} else {
		set(labelAssembled, p.base.name)
	}
	return l
}

// annotations say the same of the manifest.
func (b *builder) annotations(p *Platform) map[string]string {
	a := b.labels(p.release, p)
	maps.Copy(a, b.Labels)
	return a
}
