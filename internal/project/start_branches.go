package project

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// caseOfFirst and ifOfFirst begin a choice by a script's first argument.
	caseOfFirst = regexp.MustCompile(`\bcase\s+["']?(?:\$1|\$\{1(?::?-([A-Za-z0-9_-]*))?\})["']?\s+in\b`)
	ifOfFirst   = regexp.MustCompile(`\bif\s+\[+\s+["']?(?:\$1|\$\{1(?::?-([A-Za-z0-9_-]*))?\})["']?\s+==?\s+["']?([A-Za-z0-9_-]+)["']?\s+\]+\s*;?\s*then\b`)
	ifKeyword   = regexp.MustCompile(`\b(if|elif|else|fi)\b`)
	plainWord   = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
)

// taken is a script without what it does not do when it is given an argument: the other branches of case "$1" and of
// if [ "$1" = NAME ], in place of which are spaces. What is not plain is left as it is.
func taken(text, argument string) string {
	if argument != "" && !plainWord.MatchString(argument) {
		return text
	}
	blank := []byte(text)
	wipe := func(from, to int) {
		for i := from; i < to; i++ {
			if blank[i] != '\n' {
				blank[i] = ' '
			}
		}
	}
	if m := caseOfFirst.FindStringSubmatchIndex(text); m != nil {
		body, _, ended := strings.Cut(text[m[1]:], "esac")
		if ended && !strings.Contains(body, "case ") {
			wipeBranches(body, m[1], argumentOr(text, m, argument), wipe)
		}
	}
	for _, m := range ifOfFirst.FindAllStringSubmatchIndex(text, -1) {
		end := ifKeyword.FindStringSubmatchIndex(text[m[1]:])
		if end == nil || text[m[1]+end[2]:m[1]+end[3]] == "if" || argumentOr(text, m, argument) == text[m[4]:m[5]] {
			continue
		}
		wipe(m[1], m[1]+end[0])
	}
	return string(blank)
}

// argumentOr is the argument, or what a script takes in its place.
func argumentOr(text string, m []int, argument string) string {
	if argument == "" && m[2] >= 0 {
		return text[m[2]:m[3]]
	}
	return argument
}

// wipeBranches wipes all branches of a case but the first that an argument fits; none where a pattern is not plain.
func wipeBranches(body string, from int, argument string, wipe func(from, to int)) {
	type branch struct {
		from, to int
		fits     bool
	}
	var all []branch
	for part := range strings.SplitSeq(body, ";;") {
		start := from
		from += len(part) + len(";;")
		pattern, _, ok := strings.Cut(part, ")")
		if !ok {
			if strings.TrimSpace(part) != "" {
				return
			}
			continue
		}
		b := branch{from: start, to: start + len(part)}
		for one := range strings.SplitSeq(strings.TrimLeft(strings.TrimSpace(pattern), "("), "|") {
			one = strings.Trim(strings.TrimSpace(one), `"'`)
			if one != "*" && one != "" && !plainWord.MatchString(one) {
				return
			}
			b.fits = b.fits || one == "*" || one == argument
		}
		all = append(all, b)
	}
	first := slices.IndexFunc(all, func(b branch) bool { return b.fits })
	for i, b := range all {
		if i != first {
			wipe(b.from, b.to)
		}
	}
}
