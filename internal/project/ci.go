package project

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// CIStep is something that a pipeline of continuous integration does.
type CIStep struct {
	Name  string   // as the pipeline calls it, where it does
	Uses  string   // an action that somebody else wrote
	With  []Option // what that is given: texts
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

// ImageTag is a name that a pipeline gives to an image that it builds or pushes.
type ImageTag struct {
	Ref string // as it stands there, variables and all
	Tag string // behind the colon; empty: there is none, which means latest
	At  Pos
}

// Computed says that what it is can't be seen: all of it comes out of a variable.
func (t ImageTag) Computed() bool {
	return t.Tag == "" && (strings.HasPrefix(t.Ref, "$") || strings.HasPrefix(t.Ref, "type="))
}

// ci reads the pipelines that are known.
func (r *reader) ci() error {
	var files []string
	for _, name := range r.p.Under(".github/workflows") {
		if ext := path.Ext(name); ext == ".yml" || ext == ".yaml" {
			files = append(files, path.Join(".github/workflows", name))
		}
	}
	files = append(files, ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile")
	for _, file := range files {
		if !r.p.Has(file) {
			continue
		}
		text, err := r.optional(file)
		if err != nil {
			return err
		}
		if file == "Jenkinsfile" {
			r.p.CI = append(r.p.CI, jenkins(file, text)...)
			continue
		}
		c := &pipeline{file: file, lines: strings.Split(text, "\n"), left: 100_000}
		dec := yaml.NewDecoder(strings.NewReader(text))
		for {
			var n yaml.Node
			if dec.Decode(&n) != nil { // also at the end; what is broken is for others to say
				break
			}
			c.walk(&n)
		}
		r.p.CI = append(r.p.CI, c.steps...)
	}
	return nil
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

func (c *pipeline) walk(n *yaml.Node) {
	if c.left--; c.left < 0 {
		return
	}
	if n.Kind != yaml.MappingNode {
		for _, in := range n.Content {
			c.walk(in)
		}
		return
	}
	step := CIStep{}
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
				s.Name, s.With, s.Uses = step.Name, step.With, ""
				c.steps = append(c.steps, s)
			}
		default:
			c.walk(value)
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

// ImageTags are the names that a step gives to images that it builds or pushes.
func (s CIStep) ImageTags() (all []ImageTag) {
	action, _, _ := strings.Cut(s.Uses, "@")
	for _, w := range s.With {
		if w.Name != "tags" && w.Name != "destination" || !strings.Contains(action, "docker") && !strings.Contains(action, "build") && !strings.Contains(action, "kaniko") {
			continue
		}
		text, _ := w.Value.AsText()
		for ref := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ',' }) {
			if ref = strings.TrimSpace(ref); ref != "" {
				all = append(all, imageTag(ref, w.At))
			}
		}
	}
	if s.Uses != "" {
		return all
	}
	n := -1
	joined, from := "", 0
	for line := range strings.SplitSeq(s.Text, "\n") {
		n++
		if joined == "" {
			from = n
		}
		if before, more := strings.CutSuffix(strings.TrimRight(line, " "), `\`); more {
			joined += before + " "
			continue
		}
		for _, ref := range imageNames(joined + line) {
			all = append(all, imageTag(ref, s.LineAt(from)))
		}
		joined = ""
	}
	return all
}

// imageTag takes a name apart. What stands in braces is a variable, whose colons are its own.
func imageTag(ref string, at Pos) ImageTag {
	t := ImageTag{Ref: ref, At: at}
	depth := 0
	for i, c := range ref {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case depth == 0 && c == '/':
			t.Tag = ""
		case depth == 0 && c == ':':
			t.Tag = ref[i+1:]
		}
	}
	return t
}

// imageNames are the names in a line of shell that docker and its like give to an image.
func imageNames(line string) (all []string) {
	words := shellWords(line)
	tool := slices.IndexFunc(words, func(w string) bool {
		b := path.Base(strings.Trim(w, `'"(`))
		return b == "docker" || b == "podman" || b == "buildah" || b == "nerdctl" || b == "executor" || b == "kaniko"
	})
	if tool < 0 {
		return nil
	}
	words = words[tool+1:]
	verb := ""
	for n, w := range words {
		next := ""
		if n+1 < len(words) {
			next = words[n+1]
		}
		switch {
		case w == "&&" || w == "||" || w == ";" || w == "|":
			return append(all, imageNames(strings.Join(words[n:], " "))...)
		case verb == "" && (w == "build" || w == "push" || w == "tag"):
			verb = w
		case (verb == "build" && (w == "-t" || w == "--tag") || w == "--destination") && next != "":
			all = append(all, next)
		case verb == "build" && strings.HasPrefix(w, "--tag=") || strings.HasPrefix(w, "--destination="):
			_, ref, _ := strings.Cut(w, "=")
			all = append(all, strings.Trim(ref, `"'`))
		case verb == "tag" && !strings.HasPrefix(w, "-") && n > 0 && words[n-1] != "tag":
			all = append(all, w)
		case verb == "push" && !strings.HasPrefix(w, "-"):
			all = append(all, w)
		}
	}
	return all
}

// shellWords cuts a line at spaces outside of quotes and of ${{ }}.
func shellWords(line string) (words []string) {
	var b strings.Builder
	var quote rune
	depth := 0
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '{':
			depth++
			b.WriteRune(c)
		case c == '}' && depth > 0:
			depth--
			b.WriteRune(c)
		case quote == 0 && depth == 0 && (c == ' ' || c == '\t'):
			if b.Len() > 0 {
				words = append(words, b.String())
				b.Reset()
			}
		default:
			b.WriteRune(c)
		}
	}
	if b.Len() > 0 {
		words = append(words, b.String())
	}
	return words
}
