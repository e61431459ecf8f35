package abi

import (
	"bytes"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// script is what a shell script of the release calls.
type script struct {
	name        string
	interpreter string // of its first line: /bin/sh
	argument    string // what /usr/bin/env looks for: bash
	calls       []call
	functions   map[string]bool
	guarded     map[string]bool // programs that it looks for before it calls them
	path        []string        // directories that it adds to PATH
	setsPath    bool            // it sets PATH to something that only running it tells
	setsLibPath bool            // the like of LD_LIBRARY_PATH
	problem     string          // why it could not be gone through
}

// Bounds on a script that is gone through, in bytes and in brackets. The parser goes as deep as brackets do, and in Go
// nobody comes back from a stack that is too deep. The largest start scripts known have 50 KB.
const (
	maxScript = 128 << 10
	maxDepth  = 1000
)

// depth is how many brackets of one kind are open at most. Whether they are in quotes or not is all one here;
// those that only close, as in case, take nothing off.
func depth(b []byte) (most int) {
	for _, pair := range []string{"()", "{}"} {
		now := 0
		for _, c := range b {
			switch c {
			case pair[0]:
				now++
				most = max(most, now)
			case pair[1]:
				now = max(now-1, 0)
			}
		}
	}
	return most
}

// parseScript goes through a script. One that is only sourced has no first line that counts;
// one that is not read for its calls keeps nothing but that.
func parseScript(name string, sourced, read bool, b []byte) *script {
	s := &script{name: name, functions: map[string]bool{}, guarded: map[string]bool{}}
	if !sourced {
		s.interpreter, s.argument = shebang(b)
	}
	runs := path.Base(s.interpreter)
	if runs == "env" {
		runs = path.Base(s.argument)
	}
	variant := syntax.LangPOSIX
	switch {
	case sourced || runs == "sh" || runs == "dash" || runs == "ash" || runs == "busybox":
	case runs == "bash":
		variant = syntax.LangBash
	case runs == "ksh" || runs == "mksh":
		variant = syntax.LangMirBSDKorn
	default: // escript, python: nothing that we read
		return s
	}
	if !read {
		return s
	}
	switch {
	case len(b) > maxScript:
		s.problem = "it is larger than 128 KB"
		return s
	case depth(b) > maxDepth:
		s.problem = "its brackets are more than 1000 deep"
		return s
	}
	file, err := parse(b, variant)
	if err != nil && variant == syntax.LangPOSIX { // many shells called sh know more than they must
		file, err = parse(b, syntax.LangBash)
	}
	if err != nil {
		s.problem = err.Error()
		return s
	}
	s.scan(file)
	return s
}

func parse(b []byte, v syntax.LangVariant) (*syntax.File, error) {
	return syntax.NewParser(syntax.Variant(v)).Parse(bytes.NewReader(b), "")
}

// shebang reads the first line: the interpreter, and the program that env is to look for.
func shebang(b []byte) (interpreter, argument string) {
	line, ok := strings.CutPrefix(string(b[:min(len(b), headLen)]), "#!")
	if !ok {
		return "", ""
	}
	line, _, _ = strings.Cut(line, "\n")
	// A carriage return is part of the name: "/bin/sh\r" is what Linux looks for.
	fields := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(fields) == 0 {
		return "", ""
	}
	for _, f := range fields[1:] {
		if !strings.HasPrefix(f, "-") && !strings.Contains(f, "=") {
			return fields[0], f
		}
	}
	return fields[0], ""
}
