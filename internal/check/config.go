package check

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// ConfigFile is the name of the file with a project's decisions about findings. It stands beside phial.yaml, which is a
// Kubernetes object and has no place for them.
const ConfigFile = "phial-check.yaml"

// Config is what a project has decided about its check.
type Config struct {
	Ignore  []Ignore
	Exclude []*Exclude
}

// Exclude is a glob of files that are not looked at, as an entry's path is. The name of a directory stands for all that is in it.
type Exclude struct {
	Glob  string
	At    manifest.Position
	Found bool // a file that was looked for matched it
}

// ParseConfig reads phial-check.yaml:
//
//	exclude:                  # files and directories that are not looked at
//	- test
//	- k8s/*.dev.yaml
//	ignore:
//	- rule: NET-05            # a code or a family
//	  path: k8s/dev/**        # optional
//	  object: Service dev/shop # optional
//	  reason: reached through the VPN only
//	  expires: 2027-01-31     # optional
//
// The error is of type [manifest.Problems].
func ParseConfig(s manifest.Source) (Config, error) {
	o, problems := manifest.ParseFile(s)
	if o == nil {
		return Config{}, problems.Err()
	}
	p := configParser{problems: problems}
	root := o.Root()
	if !root.IsMap() {
		p.refuse(root, "the file has to be a mapping with the lists ignore and exclude, and is %s", kindWord(root))
	}
	known := []string{"ignore", "exclude"}
	for name, f := range root.Fields() {
		switch {
		case !slices.Contains(known, name):
			p.refuse(f, "there is no field %s%s", name, cmp.Or(spell.Hint(name, known), "; there are ignore and exclude"))
		case !f.IsList() && !f.Null():
			p.refuse(f, "%s has to be a list, and is %s", name, kindWord(f))
		case name == "exclude":
			for item := range f.Items() {
				p.exclude(item)
			}
		default:
			for item := range f.Items() {
				p.ignore(item)
			}
		}
	}
	return Config{p.all, p.excluded}, p.problems.Err()
}

// LeaveOut takes the files that match a glob out of what was found below a path, and says how many. What was named itself stays.
func (c Config) LeaveOut(tree *manifest.Tree) (left int) {
	out := func(file string) (matches bool) {
		for _, e := range c.Exclude {
			if covers(e.Glob, e.At.File, file) {
				e.Found, matches = true, true
			}
		}
		return matches
	}
	before := len(tree.Sources) + len(tree.Templates)
	tree.Sources = slices.DeleteFunc(tree.Sources, func(s manifest.Source) bool { return out(s.Name) && s.Found })
	tree.Templates = slices.DeleteFunc(tree.Templates, func(t manifest.Template) bool { return out(t.Name) && t.Found })
	tree.Skipped = slices.DeleteFunc(tree.Skipped, func(p manifest.Problem) bool { return out(p.File) })
	return before - len(tree.Sources) - len(tree.Templates)
}

// kindWord is what a field is, for people.
func kindWord(f manifest.Field) string {
	switch {
	case f.IsMap():
		return "a mapping"
	case f.IsList():
		return "a list"
	case f.Null():
		return "empty"
	}
	if t, ok := f.Text(); ok && t == "" {
		return "empty"
	}
	return "a text"
}

type configParser struct {
	all      []Ignore
	excluded []*Exclude
	problems manifest.Problems
}

func (p *configParser) refuse(at manifest.Field, format string, args ...any) {
	p.problems = append(p.problems, manifest.Problem{Position: at.Position(), Path: at.Path(), Text: fmt.Sprintf(format, args...)})
}

func (p *configParser) exclude(f manifest.Field) {
	pattern, ok := f.Text()
	if !ok || pattern == "" {
		p.refuse(f, "an entry of exclude has to be a glob of files, such as test/**, and is %s", kindWord(f))
		return
	}
	if _, err := path.Match(pattern, ""); err != nil {
		p.refuse(f, "%q is no glob", pattern)
		return
	}
	p.excluded = append(p.excluded, &Exclude{Glob: pattern, At: f.Position()})
}

var ignoreFields = []string{"rule", "path", "object", "reason", "expires"}

func (p *configParser) ignore(f manifest.Field) {
	i := Ignore{At: f.Position()}
	before := len(p.problems)
	for name, v := range f.Fields() {
		text, ok := v.Text()
		if !ok {
			p.refuse(v, "%s has to be a text, and is %s", name, kindWord(v))
			continue
		}
		switch name {
		case "rule":
			i.Codes = []string{ruled(strings.ToUpper(text))}
			if err := known("", i.Codes[0]); err != nil {
				p.refuse(v, "%v", err)
			}
		case "path":
			i.Path = text
			if _, err := path.Match(text, ""); err != nil {
				p.refuse(v, "%q is no glob", text)
			}
		case "object":
			i.Object = text
		case "reason":
			i.Reason = strings.TrimSpace(text)
		case "expires":
			day, err := time.Parse(dateFormat, text)
			if err != nil {
				p.refuse(v, "%q is no day: write it as 2027-01-31", text)
			}
			i.Until = day
		default:
			p.refuse(v, "there is no field %s%s", name, cmp.Or(spell.Hint(name, ignoreFields), "; there are "+spell.List(ignoreFields, "and", 9)))
		}
	}
	if !f.Key("rule").Exists() {
		p.refuse(f, "the rule is missing: a code such as NET-05, or a family such as NET")
	}
	if i.Reason == "" {
		p.refuse(f, "the reason is missing: say why it is right as it is")
	}
	if len(p.problems) == before {
		p.all = append(p.all, i)
	}
}
