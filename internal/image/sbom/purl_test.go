package sbom

import "testing"

func TestGitURL(t *testing.T) {
	for remote, want := range map[string][2]string{
		"https://github.com/Owner/Repo.git":              {"https://github.com/Owner/Repo.git", "pkg:github/owner/repo@c0#sub/dir"},
		"https://user:secret@github.com/owner/repo":      {"https://github.com/owner/repo", "pkg:github/owner/repo@c0#sub/dir"},
		"https://github.com/owner/repo.git?token=secret": {"https://github.com/owner/repo.git", "pkg:github/owner/repo@c0#sub/dir"},
		"git@github.com:owner/repo.git":                  {"ssh://git@github.com/owner/repo.git", "pkg:github/owner/repo@c0#sub/dir"},
		"ssh://me:secret@bitbucket.org/o/r.git":          {"ssh://git@bitbucket.org/o/r.git", "pkg:bitbucket/o/r@c0#sub/dir"},
		"https://git.example.com:8443/a/b/c.git":         {"https://git.example.com:8443/a/b/c.git", "pkg:generic/n@1?vcs_url=git%2Bhttps:%2F%2Fgit.example.com:8443%2Fa%2Fb%2Fc.git%40c0#sub/dir"},
		"https://github.com/odd":                         {"https://github.com/odd", "pkg:generic/n@1?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fodd%40c0#sub/dir"},
		"/srv/git/x.git":                                 {"", "pkg:generic/n@1"},
		"../x":                                           {"", "pkg:generic/n@1"},
		"file:///srv/git/x.git":                          {"", "pkg:generic/n@1"},
		"https://a@b@c/x":                                {"https://c/x", "pkg:generic/n@1?vcs_url=git%2Bhttps:%2F%2Fc%2Fx%40c0#sub/dir"},
		"":                                               {"", "pkg:generic/n@1"},
	} {
		open, _ := openURL(remote)
		if got := [2]string{open, gitURL("n", "1", remote, "c0", "sub/../dir")}; got != want {
			t.Errorf("%s: %q, want %q", remote, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"pkg:hex/plug@1.0":                                                           hexURL("hexpm", "plug", "1.0"),
		"pkg:hex/plug@1.0.0-rc.1%2Babc":                                              hexURL("", "plug", "1.0.0-rc.1+abc"),
		"pkg:deb/debian/x@1:2~3%2B4?arch=all":                                        debURL(SystemPackage{Name: "x", Version: "1:2~3+4", Arch: "all", Source: "x"}, ""),
		"pkg:hex/acme/sauce@1.0":                                                     hexURL("hexpm:Acme", "Sauce", "1.0"),
		"pkg:hex/sauce@1.0?repository_url=acme":                                      hexURL("acme", "sauce", "1.0"),
		"pkg:deb/debian/libssl3@1?arch=amd64&distro=debian-12&upstream=openssl":      debURL(SystemPackage{Name: "libssl3", Version: "1", Arch: "amd64", Source: "openssl"}, "12"),
		"pkg:oci/shop@sha256:ab?repository_url=registry.example.com:5000%2Fa%2Fshop": ociURL("registry.example.com:5000/a/shop", "", "sha256:ab"),
		"pkg:oci/shop@sha256:ab?tag=1":                                               ociURL("shop", "1", "sha256:ab"),
		`cpe:2.3:a:erlang:erlang\/otp:25.2.3:*:*:*:*:*:*:*`:                          cpe("erlang", `erlang\/otp`, "25.2.3"),
		"cpe:2.3:a:elixir-lang:elixir:1.18.0:rc0:*:*:*:*:*:*":                        cpe("elixir-lang", "elixir", "1.18.0-rc.0+x"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for erts, want := range map[string]string{"13.1.5": "25", "17.0": "29", "x": "", "": ""} {
		if got := generation(erts); got != want {
			t.Errorf("ERTS %s is of OTP %q, want %q", erts, got, want)
		}
	}
}
