package manifest

// Without is the set as it would be read without some sources. What both have they share: nothing is parsed again.
func (s *Set) Without(drop func(source string) bool) *Set {
	sub := &Set{texts: make(map[string]string, len(s.texts)), byKind: map[string][]*Object{}, byName: map[objectKey][]*Object{}}
	for name, text := range s.texts {
		if !drop(name) {
			sub.texts[name] = text
		}
	}
	for _, o := range s.read {
		if !drop(o.File) {
			sub.Objects = append(sub.Objects, o)
		}
	}
	for _, t := range s.Templates {
		if !drop(t.Name) {
			sub.Templates = append(sub.Templates, t)
		}
	}
	for _, p := range s.Problems {
		if !drop(p.File) {
			sub.Problems = append(sub.Problems, p)
		}
	}
	sub.Skipped = s.Skipped
	sub.index()
	return sub
}

// index takes patches out of the objects, and finds the others by what they are called.
func (s *Set) index() {
	s.read = s.Objects
	s.takePatchesOut()
	for _, o := range s.Objects {
		s.byKind[o.Kind] = append(s.byKind[o.Kind], o)
		key := objectKey{o.Kind, o.Name}
		s.byName[key] = append(s.byName[key], o)
	}
}
