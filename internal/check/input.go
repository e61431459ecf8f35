package check

import (
	"path/filepath"
	"time"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// Input is all that a check looks at. What is nil was not given.
type Input struct {
	Objects *manifest.Set
	Project *project.Project
	Root    string       // the project's directory, as it is to be shown
	Intent  *mesh.Intent // what would run, and with it the prediction: filled where there is one
	// Files gives the texts of the project's files by their names below Root.
	Files   func(name string) (string, bool)
	Refused manifest.Problems // what an API server would say of the BeamApps
	// Environments are parts that never run together, each with what all have: rules look at each by itself. None: there is
	// but one. Environment is what such a part is called.
	Environments []*Input
	Environment  string
	// Now is the day that suppressions expire by.
	Now time.Time

	began     bool
	beams     map[*manifest.Object]Beam // the same as releases
	releases  []Beam
	serving   []Beam                    // of releases, those that run on
	mine      map[*manifest.Object]bool // those of the project; nil: not asked yet
	linked    *links
	scalers   map[string][]*manifest.Object
	ingresses map[string][]manifest.Field
	routes    map[string][]*manifest.Object // Ingresses and gateways' routes, by the Services that they lead to
	serviced  *serviceIndex
	patches   *bool

	envShTaken *bool // see hasEnvSh; nil: not asked yet

	prediction *mesh.Prediction
	foreseen   *predictedIndex
}

// Parts are the inputs that rules look at, one after the other.
func (in *Input) Parts() []*Input {
	if len(in.Environments) > 0 {
		return in.Environments
	}
	return []*Input{in}
}

// Has says which inputs there are.
func (in *Input) Has() Needs {
	var has Needs
	if in.Objects != nil && len(in.Objects.Objects) > 0 {
		has |= Manifests
	}
	if in.Objects != nil && len(in.Objects.Templates) > 0 {
		has |= Templates
	}
	if has != 0 {
		has |= Kubernetes
	}
	if in.Project != nil {
		has |= Project
		if len(in.Project.Dockerfiles) > 0 {
			has |= Dockerfile
		}
		if len(in.Project.CI) > 0 {
			has |= CI
		}
		if in.hasEnvSh() {
			has |= EnvSh
		}
	}
	if has&(Manifests|Project) != 0 {
		has |= Deployment
	}
	if in.Intent != nil {
		has |= Prediction
	}
	return has
}

// ProjectFile is how a file of the project is shown.
func (in *Input) ProjectFile(name string) string {
	return filepath.Join(in.Root, filepath.FromSlash(name))
}

// ProjectText is the text of a file of the project, and empty where there is none.
func (in *Input) ProjectText(name string) string {
	if in.Files == nil {
		return ""
	}
	text, _ := in.Files(name)
	return text
}

// Text is the text of any file that was looked at, by the name that it is shown with.
func (in *Input) Text(file string) (string, bool) {
	if in.Objects != nil {
		if t, ok := in.Objects.Text(file); ok {
			return t, true
		}
	}
	if in.Project == nil || in.Files == nil {
		return "", false
	}
	name, err := filepath.Rel(in.Root, file)
	if err != nil || !filepath.IsLocal(name) {
		return "", false
	}
	return in.Files(filepath.ToSlash(name))
}
