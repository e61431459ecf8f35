package check

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// ConfigFile is the name of the file with a project's decisions about findings. It stands beside phial.yaml, which is a
// Kubernetes object and has no place for them.
const ConfigFile = "phial-check.yaml"

// ParseConfig reads phial-check.yaml:
//
//	ignore:
//	- rule: NET-05            # a code or a family
//	  path: k8s/dev/**        # optional
//	  object: Service dev/shop # optional
//	  reason: reached through the VPN only
//	  expires: 2027-01-31     # optional
//
// The error is of type [manifest.Problems].
func ParseConfig(s manifest.Source) ([]Ignore, error) {
	o, problems := manifest.ParseFile(s)
	if o == nil {
		return nil, problems.Err()
	}
	p := configParser{problems: problems}
	root := o.Root()
	if !root.IsMap() {
		p.refuse(root, "want a mapping with the list ignore")
	}
	for name, f := range root.Fields() {
		switch {
		case name != "ignore":
			p.refuse(f, "there is no field %s%s", name, cmp.Or(spell.Hint(name, []string{"ignore"}), "; there is only ignore"))
		case !f.IsList() && !f.Null():
			p.refuse(f, "ignore is a list")
		default:
			for item := range f.Items() {
				p.ignore(item)
			}
		}
	}
	return p.all, p.problems.Err()
}

type configParser struct {
	all      []Ignore
	problems manifest.Problems
}

func (p *configParser) refuse(at manifest.Field, format string, args ...any) {
	p.problems = append(p.problems, manifest.Problem{Position: at.Position(), Path: at.Path(), Text: fmt.Sprintf(format, args...)})
}

var ignoreFields = []string{"rule", "path", "object", "reason", "expires"}

func (p *configParser) ignore(f manifest.Field) {
	i := Ignore{At: f.Position()}
	before := len(p.problems)
	for name, v := range f.Fields() {
		text, ok := v.Text()
		if !ok {
			p.refuse(v, "%s wants a text", name)
			continue
		}
		switch name {
		case "rule":
			i.Codes = []string{strings.ToUpper(text)}
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
