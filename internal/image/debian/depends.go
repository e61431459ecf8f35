package debian

import "strings"

// parseDepends reads a field such as "a (>= 1) | b, c:any" as lists of alternatives. Versions
// are left out: a suite holds together, and of several versions the highest is taken.
func parseDepends(field string) (all [][]string) {
	for one := range strings.SplitSeq(field, ",") {
		var alternatives []string
		for name := range strings.SplitSeq(one, "|") {
			name = strings.TrimSpace(name)
			if i := strings.IndexAny(name, " ([<:"); i >= 0 {
				name = name[:i]
			}
			if isPackageName(name) {
				alternatives = append(alternatives, name)
			}
		}
		if len(alternatives) > 0 {
			all = append(all, alternatives)
		}
	}
	return all
}
