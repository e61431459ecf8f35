package erltest

import "fmt"

// names are the names of those who connect, as a BEAM keeps them: those that it
// gave are given again once they are free.
type names struct {
	seen map[string]struct{}
	free map[string][]string // given names that are free, by host part
	last int
}

func (s *names) see(name string) {
	if s.seen == nil {
		s.seen = make(map[string]struct{})
	}
	s.seen[name] = struct{}{}
}

// give gives a name for a host part.
func (s *names) give(host string) string {
	if f := s.free[host]; len(f) > 0 {
		name := f[len(f)-1]
		s.free[host] = f[:len(f)-1]
		return name
	}
	s.last++
	return fmt.Sprintf("GIVEN%d@%s", s.last, host)
}

// giveBack makes a given name free.
func (s *names) giveBack(host, name string) {
	if s.free == nil {
		s.free = make(map[string][]string)
	}
	s.free[host] = append(s.free[host], name)
}
