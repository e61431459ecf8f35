package project

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// CIStep is something that a pipeline of continuous integration does.
type CIStep struct {
	Name  string   // as the pipeline calls it, where it does
	Uses  string   // an action that somebody else wrote
	With  []Option // what that is given: texts
	Env   []Option // variables that the pipeline sets for it, texts; of two of one name the last counts
	Text  string   // what a shell is given
	At    Pos      // of Uses or of the first line of Text
	lines []Pos
}

// LineAt is where a line of Text stands; lines begin at 0.
func (s CIStep) LineAt(n int) Pos {
	if n >= 0 && n < len(s.lines) {
		return s.lines[n]
	}
	return s.At
}

// ReadCI reads the pipelines of a tree, and nothing else of it: it need not be a project. Of its files those of GitHub's
// workflows are known, and those of the names that are there.
func ReadCI(fsys fs.FS, names ...string) (*Project, error) {
	r := &reader{fs: fsys, p: &Project{files: map[string]bool{}}}
	workflows, err := fs.Glob(fsys, githubWorkflows+"/*")
	if err != nil {
		return nil, err
	}
	for _, name := range append(workflows, names...) {
		if info, err := fs.Stat(fsys, name); err == nil && info.Mode().IsRegular() {
			r.p.files[name] = true
		}
	}
	return r.p, r.ci()
}

// githubWorkflows is where GitHub has them.
const githubWorkflows = ".github/workflows"

// Workflows are the files of GitHub's, sorted.
func (p *Project) Workflows() (files []string) {
	for _, name := range p.Under(githubWorkflows) {
		if ext := path.Ext(name); ext == ".yml" || ext == ".yaml" {
			files = append(files, path.Join(githubWorkflows, name))
		}
	}
	return files
}

// ci reads the pipelines that are known.
func (r *reader) ci() error {
	files := append(r.p.Workflows(), ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile")
	for _, file := range files {
		if !r.p.Has(file) {
			continue
		}
		text, err := r.optional(file)
		if err != nil {
			return err
		}
		if text == "" {
			if info, err := fs.Stat(r.fs, file); err == nil && info.Size() > maxSize {
				r.p.CIUnread = append(r.p.CIUnread, Use{"it is larger than 1 MiB", Pos{File: file}})
			}
		}
		if file == "Jenkinsfile" {
			r.p.CI = append(r.p.CI, jenkins(file, text)...)
			continue
		}
		c := &pipeline{file: file, lines: strings.Split(text, "\n"), left: 100_000}
		dec := yaml.NewDecoder(strings.NewReader(text))
		for {
			var n yaml.Node
			err := dec.Decode(&n)
			if err != nil && !errors.Is(err, io.EOF) {
				r.p.CIUnread = append(r.p.CIUnread, notYAML(file, err))
			}
			if err != nil {
				break
			}
			c.walk(&n, nil)
		}
		if c.left < 0 {
			r.p.CIUnread = append(r.p.CIUnread, Use{"it says too much", Pos{File: file}})
		}
		r.p.CI = append(r.p.CI, c.steps...)
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// notYAML is why a file can't be read, and where.
func notYAML(file string, err error) Use {
	m := yamlLine.FindStringSubmatch(strings.Join(strings.Fields(err.Error()), " "))
	if m == nil {
		return Use{"it is no YAML", Pos{File: file}}
	}
	line, _ := strconv.Atoi(m[1]) // none is 0, the file as a whole
	return Use{"it is no YAML: " + m[2], Pos{File: file, Line: line}}
}

// pipeline reads one file.
type pipeline struct {
	file  string
	lines []string
	steps []CIStep
	left  int
}

// shells are the keys whose values a shell is given.
var shells = []string{"run", "script", "before_script", "after_script", "command"}

// sets are the keys below which a pipeline sets variables, for all that stands beside them.
var sets = []string{"env", "variables"}

// variables adds what a mapping sets to what holds around it.
func (c *pipeline) variables(n *yaml.Node, env []Option) []Option {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, all := n.Content[i], n.Content[i+1]
		if all.Kind == yaml.AliasNode {
			all = all.Alias
		}
		if !slices.Contains(sets, key.Value) || all.Kind != yaml.MappingNode {
			continue
		}
		env = slices.Clip(env)
		for j := 0; j+1 < len(all.Content); j += 2 {
			name, value := all.Content[j], all.Content[j+1]
			for k := 0; value.Kind == yaml.MappingNode && k+1 < len(value.Content); k += 2 { // NAME: {value: ..., description: ...}
				if value.Content[k].Value == "value" {
					value = value.Content[k+1]
				}
			}
			if c.left -= 1 + len(env)/64; c.left < 0 {
				return env
			}
			if value.Kind == yaml.ScalarNode {
				env = append(env, Option{name.Value, c.at(name), textExpr(c.at(value), value.Value)})
			}
		}
	}
	return env
}

func (c *pipeline) walk(n *yaml.Node, env []Option) {
	if c.left--; c.left < 0 {
		return
	}
	if n.Kind != yaml.MappingNode {
		for _, in := range n.Content {
			c.walk(in, env)
		}
		return
	}
	env = c.variables(n, env)
	step := CIStep{Env: env}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Value == "name" && value.Kind == yaml.ScalarNode:
			step.Name = value.Value
		case key.Value == "uses" && value.Kind == yaml.ScalarNode:
			step.Uses, step.At = value.Value, c.at(value)
		case key.Value == "with" && value.Kind == yaml.MappingNode:
			for j := 0; j+1 < len(value.Content); j += 2 {
				k, v := value.Content[j], value.Content[j+1]
				if v.Kind == yaml.ScalarNode {
					step.With = append(step.With, Option{k.Value, c.at(k), textExpr(c.at(v), v.Value)})
				}
			}
		case slices.Contains(shells, key.Value) && value.Kind != yaml.MappingNode:
			if s := c.shell(value); s.Text != "" {
				s.Name, s.With, s.Env = step.Name, step.With, env
				c.steps = append(c.steps, s)
			}
		default:
			c.walk(value, env)
		}
	}
	if step.Uses != "" {
		c.steps = append(c.steps, step)
	}
}

func (c *pipeline) at(n *yaml.Node) Pos { return Pos{c.file, n.Line, n.Column} }

// shell puts together what a shell is given, with the place of each line.
func (c *pipeline) shell(n *yaml.Node) CIStep {
	var s CIStep
	var all strings.Builder
	open := map[*yaml.Node]bool{} // anchors that are being followed: one may hold itself
	var add func(n *yaml.Node)
	add = func(n *yaml.Node) {
		if c.left--; c.left < 0 { // anchors may hold one another many times
			return
		}
		if n.Kind == yaml.AliasNode { // script: *build
			if !open[n.Alias] {
				open[n.Alias] = true
				add(n.Alias)
				delete(open, n.Alias)
			}
			return
		}
		if n.Kind == yaml.SequenceNode {
			for _, in := range n.Content {
				add(in)
			}
			return
		}
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			return
		}
		c.left -= len(n.Value) / 16
		line := n.Line
		if n.Style == yaml.LiteralStyle || n.Style == yaml.FoldedStyle {
			line++
		}
		for text := range strings.SplitSeq(strings.TrimSuffix(n.Value, "\n"), "\n") {
			at := Pos{c.file, line, 1}
			if line <= len(c.lines) {
				at.Col = max(strings.Index(c.lines[line-1], strings.TrimSpace(text)), 0) + 1
			} else {
				at = c.at(n)
			}
			s.lines = append(s.lines, at)
			all.WriteString(text + "\n")
			if n.Style == yaml.LiteralStyle {
				line++
			}
		}
	}
	add(n)
	if s.Text = all.String(); len(s.lines) > 0 {
		s.At = s.lines[0]
	}
	return s
}

// jenkins takes the lines of a Jenkinsfile as they are.
func jenkins(file, text string) []CIStep {
	s := CIStep{At: Pos{file, 1, 1}, Text: text}
	for n := range strings.Count(text, "\n") + 1 {
		s.lines = append(s.lines, Pos{file, n + 1, 1})
	}
	return []CIStep{s}
}
