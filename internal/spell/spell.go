// Package spell guesses what a misspelt name was meant to be.
package spell

import (
	"slices"
	"strings"
)

// Nearest is the name among some that differs least from a misspelt one, letter case
// apart, and empty where none is like it: at most a third of its letters may be wrong.
// Of several as near the first in alphabetical order is taken, so that the same
// question has the same answer.
func Nearest(name string, among []string) string {
	best, least := "", max(len(name)/3, 1)+1
	for _, k := range among {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

// Hint is Nearest as the end of a sentence: "; did you mean NAME?", or nothing.
func Hint(name string, among []string) string {
	if n := Nearest(name, among); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}

// distance counts the letters to insert, to drop, to replace and to swap with their
// neighbour (Damerau and Levenshtein's, in its restricted form).
func distance(s, t string) int {
	a, b := []rune(s), []rune(t)
	if len(a) > maxLength || len(b) > maxLength {
		return maxLength
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			d := last[j]
			if a[i] != b[j] {
				d++
			}
			d = min(d, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row[j+1] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// maxLength is beyond what anybody calls a name; nothing longer is compared.
const maxLength = 256

// List writes names as a sentence has them: "a", "a or b", "a, b or c". With more than
// most of them the rest is left out.
func List(names []string, word string, most int) string {
	names = slices.Clone(names)
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " …"
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + word + " " + names[len(names)-1]
}
