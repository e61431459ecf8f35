package project

import (
	"slices"
	"strings"
)

// noteBroken notes a file that was not read whole.
func (r *reader) noteBroken(s *source) {
	if s.broken.At.Line > 0 && !slices.ContainsFunc(r.p.Broken, func(u Use) bool { return u.At.File == s.file }) {
		r.p.Broken = append(r.p.Broken, s.broken)
	}
}

// doubt takes over the supervisors. Where a file of lib was not read whole there may be more children than are seen, or
// a supervisor that is not.
func (p *Project) doubt(f *facts) {
	p.Supervisors = f.supervisors
	for _, b := range p.Broken {
		if !strings.HasSuffix(b.At.File, ".ex") {
			continue
		}
		why := b.At.File + " could not be read whole"
		if len(p.Supervisors) == 0 {
			p.Supervisors = []Supervisor{{Unclear: why, At: b.At}}
		}
		for i := range p.Supervisors {
			if p.Supervisors[i].Unclear == "" {
				p.Supervisors[i].Unclear = why
			}
		}
	}
}
