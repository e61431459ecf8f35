// Package deployed is what a source tree would deploy: which of the manifests that were found in it count, and the objects
// that its BeamApps stand for. Every verb that reads manifests goes by it.
package deployed

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/plan"
)

// suffix tells what was rendered from the file that it was rendered from.
const suffix = ", rendered"

// AgentImage stands for the agent's image in objects that nobody applies: with it they are as on a cluster that has one.
const AgentImage = "phial-agent:0.0.0"

// Rendered gives the objects that BeamApps among sources stand for, as `phial render` writes them: one source for each file
// that has any. An app whose workload is in a set already is left out: somebody has rendered it. What is wrong with an app
// is told elsewhere.
func Rendered(sources []manifest.Source, set *manifest.Set) ([]manifest.Source, error) {
	type workload struct{ name, namespace string }
	have, anywhere := map[workload]bool{}, map[string]bool{}
	for w := range set.Workloads() {
		have[workload{w.Name, w.Namespace}], anywhere[w.Name] = true, true
	}
	there := func(name, namespace string) bool {
		// Where one does not say its namespace, it may be the other's.
		return have[workload{name, namespace}] || have[workload{name, ""}] || namespace == "" && anywhere[name]
	}
	var all []manifest.Source
	for _, s := range sources {
		if !bytes.Contains(s.Text, []byte("BeamApp")) {
			continue
		}
		// What else of the file is wrong is told elsewhere, and keeps no app back that is right.
		r, _ := manifest.Read([]manifest.Source{s}, manifest.Options{})
		var text bytes.Buffer
		for _, app := range r.Apps {
			p, err := plan.New(app.BeamApp, plan.Options{AgentImage: AgentImage})
			if err != nil || there(app.Name, app.Namespace) {
				continue
			}
			if text.Len() > 0 {
				text.WriteString("---\n")
			}
			if err := plan.Encode(&text, p.Objects()); err != nil {
				return nil, fmt.Errorf("render %s: %w", app.Document.Label(), err)
			}
		}
		if text.Len() > 0 {
			all = append(all, manifest.Source{Name: s.Name + suffix, Text: text.Bytes(), Found: true})
		}
	}
	return all, nil
}

// RenderedFrom is the file that a source was rendered from, where it was rendered.
func RenderedFrom(name string) (file string, ok bool) { return strings.CutSuffix(name, suffix) }

// Objects are those of a tree that count, read below some paths: without the manifests of a mix project's tests, and without
// what the project excludes; with what its BeamApps stand for. Refused is what an API server would say of these.
func Objects(tree *manifest.Tree, paths []string, decided check.Config) (set *manifest.Set, refused manifest.Problems, err error) {
	leaveTestsOut(tree, paths)
	decided.LeaveOut(tree)
	// phial-check.yaml is no manifest; what is broken in it is said by whoever reads it.
	tree.Sources = slices.DeleteFunc(tree.Sources, func(s manifest.Source) bool {
		return s.Found && path.Base(filepath.ToSlash(s.Name)) == check.ConfigFile
	})
	set = tree.Objects()
	refused = manifest.Refused(tree.Sources, set)
	more, err := Rendered(tree.Sources, set)
	if err != nil {
		return nil, nil, err
	}
	if len(more) > 0 {
		tree.Sources = append(tree.Sources, more...)
		set = tree.Objects()
	}
	return set, refused, nil
}

// maxFile bounds a file of the project whose text a rule asks for, in bytes.
const maxFile = 1 << 20

// Files reads files of a directory as texts; not ok: there is none, or it is none to read.
func Files(root fs.FS) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		info, err := fs.Stat(root, name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return "", false
		}
		text, err := fs.ReadFile(root, name)
		return string(text), err == nil
	}
}

// leaveTestsOut takes what lies in the test directory of a mix project out of what was found below some paths: it is there
// for tests, and nobody deploys it. What a path names, or leads into, is read all the same.
func leaveTestsOut(tree *manifest.Tree, paths []string) {
	projects := map[string]bool{} // directories, and whether they are a mix project's
	isProject := func(dir string) bool {
		is, known := projects[dir]
		if !known {
			is = IsProject(dir)
			projects[dir] = is
		}
		return is
	}
	forTests := func(file string) bool {
		below := false
		for _, p := range paths {
			rest, err := filepath.Rel(p, file)
			if err != nil || !filepath.IsLocal(rest) {
				continue // it was not found by this one
			}
			if !throughTests(p, rest, isProject) {
				return false
			}
			below = true
		}
		return below
	}
	tree.Sources = slices.DeleteFunc(tree.Sources, func(s manifest.Source) bool { return s.Found && forTests(s.Name) })
	tree.Templates = slices.DeleteFunc(tree.Templates, func(t manifest.Template) bool { return t.Found && forTests(t.Name) })
	tree.Skipped = slices.DeleteFunc(tree.Skipped, func(p manifest.Problem) bool { return forTests(p.File) })
}

// throughTests says whether the way from a directory to a file leads through the test directory of a mix project.
func throughTests(from, rest string, isProject func(dir string) bool) bool {
	parts := strings.Split(filepath.Dir(rest), string(filepath.Separator))
	return slices.ContainsFunc(parts, func(part string) bool {
		is := part == "test" && isProject(from)
		from = filepath.Join(from, part)
		return is
	})
}
