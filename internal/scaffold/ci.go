package scaffold

import (
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// workflow is what the templates of the CI services show.
type workflow struct {
	*docker
	Builder    string // image with Elixir and OTP
	Repository string // where the image is pushed; empty where it has to be told
	Asdf       bool   // .tool-versions names both versions
	Versioned  bool   // mix.exs has a version
	Postgres   bool
}

// ci decides for which service to write.
func (c *choices) ci(asked string) string {
	remote := strings.ToLower(c.p.Remote.Value)
	switch {
	case asked != "":
		return asked
	case c.p.Has(".gitlab-ci.yml"):
		return GitLab
	case c.p.Has(".github"):
		return GitHub
	case strings.Contains(remote, GitLab):
		return GitLab
	case strings.Contains(remote, GitHub):
		return GitHub
	}
	c.note(project.Pos{File: "."}, "could not tell which CI this has, so no workflow; --ci github or --ci gitlab writes one")
	return NoCI
}

func (c *choices) workflow(d *docker) *workflow {
	if !c.p.Git {
		c.note(project.Pos{File: "."}, "no .git here: a CI service looks for its workflow at the root of the repository only")
	}
	w := &workflow{docker: d, Builder: image{d.Elixir, d.OTP, d.System}.builder(d.Base), Versioned: c.p.Mix.Version.State != project.Absent, Postgres: c.has("postgrex")}
	elixir, _ := pinned(c.p, "elixir")
	otp, _ := pinned(c.p, "erlang")
	w.Asdf = full(elixir) && full(otp)
	if repo := c.repository(); strings.Contains(repo, "/") {
		w.Repository = repo
	}
	return w
}
