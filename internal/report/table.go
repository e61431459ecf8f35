package report

import "io"

// Table writes rows under a heading, which is the first of them.
func Table(w io.Writer, rows [][]string, s Style) {
	var t table
	for i, r := range rows {
		cells := make([]cell, 0, len(r))
		for _, text := range r {
			c := cell{text: text}
			if i == 0 {
				c.colour = bold
			}
			cells = append(cells, c)
		}
		t.add(cells...)
	}
	t.write(w, s)
}
