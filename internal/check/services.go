package check

import (
	"strings"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// serviceIndex are all Services by what is asked of them, since a fleet has thousands, and as many workloads that ask.
type serviceIndex struct {
	all         serviceList
	inNamespace map[string]*serviceList       // as they say it; empty where they do not
	variables   map[string][]*manifest.Object // by the prefix of the variables that the kubelet sets for them
	hints       map[[2]string]string          // of a namespace, and a name that is not there
}

type serviceList struct {
	names     []string
	databases []*manifest.Object // those with a port of PostgreSQL or MySQL
}

func (in *Input) services() *serviceIndex {
	if in.serviced != nil {
		return in.serviced
	}
	s := &serviceIndex{inNamespace: map[string]*serviceList{}, variables: map[string][]*manifest.Object{}, hints: map[[2]string]string{}}
	in.serviced = s
	for _, o := range in.Objects.OfKind("Service") {
		if s.inNamespace[o.Namespace] == nil {
			s.inNamespace[o.Namespace] = &serviceList{}
		}
		for _, l := range []*serviceList{&s.all, s.inNamespace[o.Namespace]} {
			l.names = append(l.names, o.Name)
			if forDatabase(o) {
				l.databases = append(l.databases, o)
			}
		}
		if !headless(o) && o.At("spec.type").String() != "ExternalName" {
			prefix := strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
			s.variables[prefix] = append(s.variables[prefix], o)
		}
	}
	return s
}

func forDatabase(service *manifest.Object) bool {
	for p := range service.At("spec.ports").Items() {
		if n, _ := p.Key("port").Int(); n == 5432 || n == 3306 {
			return true
		}
	}
	return false
}

// around are the Services that can be in a namespace: where that or theirs is not said, it depends on how they are applied.
func (s *serviceIndex) around(namespace string) (lists []*serviceList) {
	if namespace == "" {
		return []*serviceList{&s.all}
	}
	for _, n := range []string{namespace, ""} {
		if l := s.inNamespace[n]; l != nil {
			lists = append(lists, l)
		}
	}
	return lists
}

// anyService says whether there is a Service that can be in an object's namespace.
func (in *Input) anyService(near *manifest.Object) bool {
	return len(in.services().around(near.Namespace)) > 0 && len(in.services().all.names) > 0
}

// serviceHint is which Service may be meant by a name that none has, as the end of a sentence.
func (in *Input) serviceHint(near *manifest.Object, name string) string {
	s, key := in.services(), [2]string{near.Namespace, name}
	hint, ok := s.hints[key]
	if !ok {
		var names []string
		for _, l := range s.around(near.Namespace) {
			names = append(names, l.names...)
		}
		hint = spell.Hint(name, names)
		s.hints[key] = hint
	}
	return hint
}
