package sbom

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"

	"github.com/phialdev/phial/internal/image/apps"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/project"
)

// builder collects components and what each needs.
type builder struct {
	in         Input
	components []cyclonedx.Component
	needs      map[string][]string // of each of them and of the image, by reference
	always     []string            // what the image needs, whoever else does
}

// add adds a component that is not there yet.
func (b *builder) add(c cyclonedx.Component, needs ...string) {
	if _, twice := b.needs[c.BOMRef]; twice {
		return
	}
	b.components = append(b.components, c)
	b.needs[c.BOMRef] = needs
}

// Where the languages' own applications live.
const (
	otpRepository    = "https://github.com/erlang/otp"
	elixirRepository = "https://github.com/elixir-lang/elixir"
)

// app is an application of the release.
type app struct {
	apps.App
	dir    string // lib/NAME-VSN, below the root
	said   bool   // there is an .app file
	native []tree.File
}

func (a app) ref() string { return "app/" + a.Name + "@" + a.Version }

// release adds the emulator and every application below lib.
func (b *builder) release() error {
	all, err := b.apps()
	if err != nil {
		return err
	}
	erts := b.erts()
	byName := map[string][]string{} // a release may carry two versions, for an upgrade
	for _, a := range all {
		byName[a.Name] = append(byName[a.Name], a.ref())
	}
	lock := map[string]project.Locked{}
	for _, l := range b.in.Lock {
		lock[l.Name] = l
	}
	for _, a := range all {
		var needs []string
		for _, name := range slices.Concat(a.Applications, a.Included) {
			needs = append(needs, byName[name]...) // those that are not there are optional, or the release would not start
		}
		if a.Name == "kernel" {
			needs = append(needs, erts...)
		}
		c, own := b.component(a, lock)
		if own {
			b.always = append(b.always, c.BOMRef)
		}
		var files []cyclonedx.Component
		for _, f := range a.native {
			file, err := nativeFile(f)
			if err != nil {
				return err
			}
			files = append(files, file)
			needs = append(needs, file.BOMRef)
		}
		b.add(c, needs...)
		for _, f := range files {
			b.add(f)
		}
	}
	return nil
}

// component says what an application is and where it comes from, and whether it is the team's own.
func (b *builder) component(a app, lock map[string]project.Locked) (c cyclonedx.Component, own bool) {
	c = cyclonedx.Component{
		BOMRef: a.ref(), Type: cyclonedx.ComponentTypeLibrary, Name: a.Name, Version: a.Version, Description: a.Description,
		Evidence: at("/" + path.Join(b.in.Root, a.dir)),
	}
	if a.Description == a.Name {
		c.Description = "" // what mix writes where nobody wrote one
	}
	origin := ""
	l, locked := lock[a.Name]
	switch {
	case apps.OTP(a.Name):
		origin = "otp"
		c.Supplier = supplier("Erlang/OTP", "https://www.erlang.org")
		c.PackageURL = otpURL(a.Name, a.Version, otpRepository)
	case apps.Elixir(a.Name):
		origin = "elixir"
		c.Supplier = supplier("Elixir", "https://elixir-lang.org")
		c.PackageURL = otpURL(a.Name, a.Version, elixirRepository)
		if a.Name == "elixir" && a.Version != "" {
			c.CPE = cpe("elixir-lang", "elixir", a.Version)
		}
	case !b.in.Locked || !a.said:
	case !locked:
		origin, own = "project", true
		c.Type = cyclonedx.ComponentTypeApplication
	case l.Kind == project.LockHex:
		origin = "hex"
		c.PackageURL = hexURL(l.Repo, or(l.Package, a.Name), a.Version)
		if l.Version == a.Version { // otherwise the lock is newer than the release, or older
			c.Hashes = sha(l.Checksum)
		}
	case l.Kind == project.LockGit:
		origin = "git"
		c.PackageURL = gitURL(a.Name, a.Version, l.URL, l.Commit, l.Subdir)
		if url, ok := openURL(l.URL); ok {
			c.ExternalReferences = vcs(url, l.Commit)
		}
	}
	if origin != "" {
		c.Properties = &[]cyclonedx.Property{{Name: "phial:origin", Value: origin}}
	}
	return c, own
}

// apps reads the applications below lib, by name and version.
func (b *builder) apps() ([]app, error) {
	found := map[string]*app{}
	for _, f := range b.in.Release {
		dir, file, ok := b.inLib(f.Path)
		if !ok {
			continue
		}
		a := found[dir]
		if a == nil {
			a = &app{dir: path.Join("lib", dir)}
			found[dir] = a
		}
		switch name, isApp := strings.CutSuffix(file, ".app"); {
		case isApp && path.Dir(name) == "ebin":
			text, err := f.Content()
			if err != nil {
				return nil, fmt.Errorf("read %s for the SBOM: %w", f.Path, err)
			}
			if a.App, err = apps.Read(text); err != nil {
				return nil, fmt.Errorf("%s is no application file (%w): build the release anew", f.Path, err)
			}
			a.said = true
		case strings.HasPrefix(file, "priv/"):
			if native, err := isNative(f); err != nil {
				return nil, fmt.Errorf("read %s for the SBOM: %w", f.Path, err)
			} else if native {
				a.native = append(a.native, f)
			}
		}
	}
	var all []app
	for dir, a := range found {
		name, vsn, _ := apps.Split(dir)
		if a.Name = or(a.Name, name); a.Name == "" {
			continue // no application: a directory that somebody put there
		}
		a.Version = or(a.Version, vsn)
		if apps.OTP(a.Name) {
			a.native = nil // a part of OTP's application, as its beams are
		}
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b app) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.dir, b.dir))
	})
	return slices.CompactFunc(all, func(a, b app) bool { return a.ref() == b.ref() }), nil
}

// inLib takes a path ROOT/lib/DIR/FILE apart.
func (b *builder) inLib(p string) (dir, file string, ok bool) {
	below, ok := strings.CutPrefix(p, path.Join(b.in.Root, "lib")+"/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(below, "/")
}

func at(location string) *cyclonedx.Evidence {
	return &cyclonedx.Evidence{Occurrences: &[]cyclonedx.EvidenceOccurrence{{Location: location}}}
}

func supplier(name, url string) *cyclonedx.OrganizationalEntity {
	return &cyclonedx.OrganizationalEntity{Name: name, URL: &[]string{url}}
}

func vcs(url, commit string) *[]cyclonedx.ExternalReference {
	r := cyclonedx.ExternalReference{Type: cyclonedx.ERTypeVCS, URL: url}
	if commit != "" {
		r.Comment = "commit " + commit
	}
	return &[]cyclonedx.ExternalReference{r}
}
