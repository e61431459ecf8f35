package project

import (
	"cmp"
	"slices"
	"strings"
)

// noteBroken notes files that were not read whole, those of one call in the order of their names.
func (r *reader) noteBroken(all ...*source) {
	slices.SortStableFunc(all, func(a, b *source) int { return cmp.Compare(a.file, b.file) })
	for _, s := range all {
		if s.broken.At.Line > 0 && !slices.ContainsFunc(r.p.Broken, func(u Use) bool { return u.At.File == s.file }) {
			r.p.Broken = append(r.p.Broken, s.broken)
		}
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
