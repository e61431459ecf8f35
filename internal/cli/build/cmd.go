// Package build is `phial build [DIR]`.
package build

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/manifest"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		o   options
		out term.Output
	)
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Build an image of a release, without a container engine, and push it",
		Long: `Build makes an OCI image of the mix project in DIR (default: the current directory),
having run mix release, or of a release that is there already (--release-dir). It needs no
Docker, no root and no daemon.

The release goes into layers that change at their own pace: ERTS; OTP and Elixir;
dependencies; the app. So the next version sends only what is new. The same input gives the
same digest on any machine, in any directory; SOURCE_DATE_EPOCH sets the image's time
(default: that of the commit where everything is committed, else none).

The base is one of
  assemble    put together from Debian's packages: the libraries that the release links, a
              small shell, certificates, time zones (the default)
  REFERENCE   an image of a registry, such as debian:bookworm-slim
  PATH        a directory (OCI layout; DIR:TAG where it has several images) or a tarball (docker save)
Whether the release runs on it is checked before anything is sent: architecture, loader,
libraries and their symbol versions, programs that the start script calls. What would not
run is refused with a finding (phial explain IMG-01); --accept lets one pass.

The release starts in exec form as process 1, as user 65532, in a root that may be
read-only. The random cookie that mix puts into a release is left out: the start needs
RELEASE_COOKIE, and says so where it is missing.

Registries: credentials and helpers of docker's config.json are used; those on loopback are
spoken to over plain HTTP. Tags are the version, the commit (sha-…, where everything is
committed) and those of --tag; --push REPOSITORY:TAG sets that tag alone. An SBOM
(CycloneDX) goes beside the image as a referrer. Nothing is tagged unless everything is
there.

Exit status: 0 done, 1 refused by findings, 2 could not.`,
		Example: `  phial build . --push registry.example.com/shop
  phial build examples/tally --oci-layout out/
  phial build --release-dir _build/prod/rel/shop --base debian:bookworm-slim -o json
  phial build . --push registry.example.com/shop --resolve phial.yaml
  phial build --release-dir amd64/shop --release-dir arm64/shop --push registry.example.com/shop`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			if err := noneEmpty(cmd.Flags()); err != nil {
				return err
			}
			o.json = out.JSON()
			if err := o.complete(args); err != nil {
				return err
			}
			return build(cmd.Context(), s, o)
		},
	}
	out.Flag(cmd)
	o.flags(cmd)
	return cmd
}

func (o *options) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringArrayVar(&o.releaseDirs, "release-dir", nil, "a release that is built already; several for several architectures")
	fl.StringVar(&o.release, "release", "", "the release's name, where mix.exs has several")
	fl.StringVar(&o.base, "base", image.Assemble, "what the release is put upon: assemble, a reference, or a path")
	fl.StringVar(&o.suite, "suite", "", "Debian suite to assemble from (default: the oldest that offers what the release links)")
	fl.StringArrayVar(&o.packages, "package", nil, "a Debian package to add to an assembled base, with what it depends on; can be repeated")
	fl.StringVar(&o.mirror, "mirror", "", "address of the Debian archive (default: that of this machine's apt)")
	fl.StringVar(&o.securityMirror, "security-mirror", "", "address of Debian's security archive (default: that of this machine's apt)")
	fl.BoolVar(&o.anyAge, "any-age", false, "take Debian's index also when its validity is over, as that of a snapshot is")
	fl.StringVar(&o.keyring, "keyring", "", "file with the keys that Debian's archive is signed with (default: that of package debian-archive-keyring)")

	fl.StringVar(&o.push, "push", "", "repository to push to, REPOSITORY or REPOSITORY:TAG")
	fl.StringArrayVarP(&o.tags, "tag", "t", nil, "a further tag; can be repeated")
	fl.StringVar(&o.layout, "oci-layout", "", "directory to write an OCI image layout into")
	fl.StringVar(&o.tarball, "tarball", "", "file to write for docker load")
	fl.BoolVar(&o.containerd, "containerd", false, "import into the containerd of this machine")
	fl.StringVar(&o.namespace, "containerd-namespace", "k8s.io", "containerd's namespace; k8s.io is the kubelet's")
	fl.StringVar(&o.ctr, "containerd-command", "ctr", "containerd's client, such as ctr or \"k3s ctr\"")
	fl.StringVar(&o.address, "containerd-address", "", "containerd's socket (default: its client's own)")
	fl.StringVar(&o.name, "name", "", "repository name in tarballs and containerd (default: that of --push, of phial.yaml's image, or the release's name)")
	fl.StringArrayVar(&o.resolve, "resolve", nil, "after pushing, put the digest into this file: phial.yaml or manifests; can be repeated")

	fl.StringArrayVarP(&o.env, "env", "e", nil, "NAME=VALUE for the image's environment; can be repeated; no place for secrets")
	fl.StringArrayVarP(&o.labels, "label", "l", nil, "NAME=VALUE for the image's labels and annotations; can be repeated")
	fl.StringVar(&o.compression, "compression", string(image.Gzip), "of layers: gzip, or zstd, which is smaller and which older tools refuse")
	fl.StringArrayVar(&o.accept, "accept", nil, "let a finding pass: CODE, or CODE=SUBJECT; can be repeated")
	fl.BoolVar(&o.noSBOM, "no-sbom", false, "make no SBOM")
	fl.StringVar(&o.sbomFile, "sbom", "", "write the SBOM into this file as well")
	fl.BoolVar(&o.printDigest, "print-digest", false, "write nothing to standard output but the image's name by digest")
	fl.StringVar(&o.cache, "cache-dir", "", "directory for what builds remember (default: phial/build in the user's cache directory)")
	// The flags were just made, so these can't fail.
	for _, name := range []string{"release-dir", "oci-layout", "cache-dir"} {
		_ = cmd.MarkFlagDirname(name)
	}
	_ = cmd.MarkFlagFilename("tarball", "tar")
	_ = cmd.MarkFlagFilename("resolve", "yaml", "yml")
	_ = cmd.MarkFlagFilename("keyring", "gpg", "asc")
	_ = cmd.RegisterFlagCompletionFunc("compression", cobra.FixedCompletions([]cobra.Completion{string(image.Gzip), string(image.Zstd)}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("base", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []cobra.Completion{cobra.CompletionWithDesc(image.Assemble, "from Debian's packages")}, cobra.ShellCompDirectiveDefault
	})
	_ = cmd.RegisterFlagCompletionFunc("suite", cobra.FixedCompletions([]cobra.Completion{"bookworm", "trixie", "sid"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("accept", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var codes []cobra.Completion
		for _, e := range finding.Entries() {
			if e.Code.Family() == "IMG" || e.Code == finding.CookieInImage {
				codes = append(codes, cobra.CompletionWithDesc(string(e.Code), e.Title))
			}
		}
		return codes, cobra.ShellCompDirectiveNoFileComp
	})
}

type options struct {
	dir         string // of the project; empty where there is none
	releaseDirs []string
	release     string

	base, suite, mirror, securityMirror, keyring string
	packages                                     []string

	push, layout, tarball             string
	containerd                        bool
	namespace, ctr, address, name     string
	tags, resolve                     []string
	env, labels, accept               []string
	compression, sbomFile, cache      string
	noSBOM, printDigest, json, anyAge bool
	accepted                          []image.Accept
	repository                        pushTo
}

// complete works out what the flags leave open, and refuses what contradicts itself.
func (o *options) complete(args []string) error {
	o.dir = "."
	if len(args) == 1 {
		o.dir = args[0]
	}
	if err := o.findProject(len(args) == 1); err != nil {
		return err
	}
	switch {
	case o.json && o.printDigest:
		return errors.New("-o json has the digest in it: leave out --print-digest")
	case o.noSBOM && o.sbomFile != "":
		return errors.New("--sbom asks for what --no-sbom leaves out: use one of them")
	case o.base != image.Assemble && (o.suite != "" || len(o.packages) > 0 || o.mirror != "" || o.securityMirror != "" || o.keyring != "" || o.anyAge):
		return errors.New("--suite, --package, --mirror, --security-mirror, --keyring and --any-age are for --base assemble")
	case len(o.resolve) > 0 && o.push == "":
		return errors.New("--resolve writes the digest that a registry has: give --push, too")
	case len(o.tags) > 0 && !o.published():
		return errors.New("--tag names an image somewhere: give --push, --oci-layout, --tarball or --containerd, too")
	case !slices.Contains(image.Compressions, image.Compression(o.compression)):
		return fmt.Errorf("--compression %s: use %s or %s", o.compression, image.Gzip, image.Zstd)
	case o.tarball != "" && o.compression == string(image.Zstd):
		return errors.New("docker load reads no zstd: leave out --compression zstd, or use --oci-layout")
	case o.tarball != "" && len(o.releaseDirs) > 1:
		return errors.New("--tarball holds one architecture: give one --release-dir, or use --oci-layout")
	case slices.Contains(o.resolve, manifest.Stdin):
		return errors.New("--resolve changes files, and standard input is none: name the file")
	case o.containerd && len(strings.Fields(o.ctr)) == 0:
		return errors.New("--containerd-command names no program: leave it out, or give one such as \"k3s ctr\"")
	}
	if err := o.places(); err != nil {
		return err
	}
	for _, t := range o.tags {
		if err := publish.CheckTag(t); err != nil {
			return fmt.Errorf("--tag: %w", err)
		}
	}
	for flag, list := range map[string][]string{"--env": o.env, "--label": o.labels} {
		for _, kv := range list {
			if k, _, ok := strings.Cut(kv, "="); !ok || k == "" {
				return fmt.Errorf("%s wants NAME=VALUE", flag) // without what was given: it may be a secret
			}
		}
	}
	for _, kv := range o.env {
		if k, _, _ := strings.Cut(kv, "="); k == "RELEASE_COOKIE" {
			return errors.New("--env RELEASE_COOKIE would put the cookie into the image, for everybody who can pull it: give it from a Secret at the start")
		}
	}
	for _, text := range o.accept {
		a, err := image.ParseAccept(text)
		if err != nil {
			return err
		}
		o.accepted = append(o.accepted, a)
	}
	return nil
}

// published says whether the image goes anywhere.
func (o *options) published() bool {
	return o.push != "" || o.layout != "" || o.tarball != "" || o.containerd
}
