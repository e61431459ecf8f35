package scaffold

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// release decides which release the image holds.
func (c *choices) release(o Options) error {
	m := c.p.Mix
	rels := m.Releases
	names := make([]string, 0, len(rels.Value))
	for _, r := range rels.Value {
		names = append(names, r.Name)
	}
	c.Named = true
	switch {
	case o.Release != "" && rels.Known() && len(names) > 0 && !slices.Contains(names, o.Release):
		return refuse(rels.At, "no release %s: there is %s", o.Release, list(names))
	case o.Release != "":
		c.Release = o.Release
	case rels.Known() && len(names) == 1:
		c.Release = names[0]
	case rels.Known() && len(names) > 1 && m.DefaultRelease.Known():
		c.Release = m.DefaultRelease.Value
	case rels.Known() && len(names) > 1 && slices.Contains(names, m.App.Value):
		c.Release = m.App.Value
		c.note(rels.At, "several releases (%s); took %s, --release picks another", list(names), c.Release)
	case rels.Known() && len(names) > 1:
		return refuse(rels.At, "several releases, pick one with --release: %s", strings.Join(names, ", "))
	case c.p.Umbrella() && rels.State == project.Unknown:
		return refuse(rels.At, "the releases are computed, and an umbrella has none of its own name: give it with --release")
	case c.p.Umbrella():
		return refuse(m.AppsPath.At, "an umbrella project without releases: name one there (releases: [NAME: [applications: [APP: :permanent]]]) and run this again")
	case !m.App.Known():
		return refuse(firstAt(m.App.At), "could not read the app's name, for it is computed: give the release's with --release")
	default:
		c.Release = m.App.Value
		c.Named = false
		if rels.State == project.Unknown {
			c.note(rels.At, "the releases are computed: assumed one named after the app, %s; --release names another", c.Release)
		}
	}
	if !releaseForm.MatchString(c.Release) {
		return fmt.Errorf("release %q: the base of a node's name has 1 to 40 lower-case letters, digits and _, a letter first", c.Release)
	}
	return nil
}

var releaseForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// names decides what the app and its image are called.
func (c *choices) names(o Options) error {
	c.Name = o.Name
	if c.Name == "" {
		c.Name = strings.Trim(strings.ReplaceAll(c.Release, "_", "-"), "-")
		if !nameForm.MatchString(c.Name) {
			return fmt.Errorf("release %s gives no name for an app: choose one with --name", c.Release)
		}
	}
	c.OtherRelease = strings.ReplaceAll(c.Name, "-", "_") != c.Release
	version := c.p.Mix.Version
	tag := strings.ReplaceAll(version.Value, "+", "-")
	c.Image = o.Image
	if c.Image == "" {
		c.found(o)
	}
	switch {
	case c.Image == "":
		c.Image = c.Name
	case tagged(o.Image):
		return nil
	}
	if tag == "" {
		tag = "dev"
		c.ImageWhy = "put the version here: mix.exs does not say it literally"
		c.note(firstAt(version.At), "could not tell the version: image is %s:%s", c.Image, tag)
	}
	c.Image += ":" + tag
	return nil
}

// found takes an image's name, without its tag, from what is there already: manifests, or the pipeline that pushes it.
func (c *choices) found(o Options) {
	found, at := o.Found, o.FoundAt
	if found == "" {
		var names []string
		for _, step := range c.p.CI {
			for _, t := range step.ImageTags() {
				name, _, _ := project.SplitImage(strings.TrimSuffix(t.Full, ":"+t.Tag))
				if imageForm.MatchString(name) && !slices.Contains(names, name) {
					names, at = append(names, name), t.At
				}
			}
		}
		if len(names) != 1 {
			return // of several nobody knows which
		}
		found = names[0]
	}
	name, _, _ := project.SplitImage(found)
	if !imageForm.MatchString(name) {
		return
	}
	c.Image, c.ImageWhy = name, "The name is from "+at.File
}

// imageForm is an image's name with the registry where it is pushed, and nothing in it that is computed.
var imageForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+$`)

// tagged says whether an image's name ends in a tag or digest.
func tagged(image string) bool {
	return strings.Contains(image, "@") || strings.Contains(image[strings.LastIndex(image, "/")+1:], ":")
}
