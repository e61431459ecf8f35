package advise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/report"
)

// dontKnow is what a person types for it.
const dontKnow = "?"

var errInterrupted = errors.New("interrupted before the questions were answered; flags answer them too (phial advise --help)")

// late is how long an interrupt may take to be seen behind the Enter that was typed after it.
const late = 50 * time.Millisecond

// ask asks what no flag has answered. Input that ends leaves the rest unknown. Nothing more is asked of who has interrupted.
func ask(ctx context.Context, s *term.IO, f advise.Facts, o *options) error {
	p := report.NewPage(s.Err, report.Style{Width: s.Width})
	lines := make(chan string)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with the process, where nobody answers
		defer close(lines)
		r := bufio.NewReader(s.In)
		for {
			line, err := r.ReadString('\n')
			if err != nil && line == "" {
				return
			}
			select {
			case lines <- line:
			case <-done:
				return
			}
		}
	}()
	p.Paragraph("", "What only you know; "+dontKnow+" is don't know, and Enter takes what stands in brackets.", "")
	p.Line("")
	for _, q := range advise.Questions(f, o.answers) {
		if slices.Contains(o.answered, q.Name) {
			continue
		}
		for {
			prompt(s, p, q)
			line, ok, err := typed(ctx, lines)
			if err != nil || !ok {
				p.Line("")
				return err
			}
			if err := o.answers.Set(q.Name, meant(q, line)); err != nil {
				p.Paragraph("  ", strings.ReplaceAll(err.Error(), advise.DontKnow, dontKnow), "")
				continue
			}
			break
		}
	}
	p.Line("")
	return nil
}

// typed is the next line; not ok: there is none.
func typed(ctx context.Context, lines <-chan string) (line string, ok bool, err error) {
	select {
	case <-ctx.Done():
		return "", false, errInterrupted
	case line, ok = <-lines:
	}
	if !ok && ctx.Err() == nil {
		return "", false, nil
	}
	select { // both may come at once, and then the interrupt counts
	case <-ctx.Done():
		return "", false, errInterrupted
	case <-time.After(late):
		return line, true, nil
	}
}

// prompt shows a question, what it takes, and what Enter stands for: in one line where that has room.
func prompt(s *term.IO, p report.Page, q advise.Question) {
	takes := "a number"
	if !q.Number {
		takes = strings.Join(q.Values(), ", ")
	}
	otherwise := q.Default
	if otherwise == "" {
		otherwise = "don't know"
	}
	takes = fmt.Sprintf("(%s, %s) [%s] ", takes, dontKnow, otherwise)
	if s.Width > 0 && len(q.Text)+1+len(takes)+longest(q) > s.Width {
		p.Paragraph("", q.Text, "")
		fmt.Fprint(s.Err, "  "+takes)
		return
	}
	fmt.Fprint(s.Err, q.Text+" "+takes)
}

// longest is the room that an answer takes.
func longest(q advise.Question) int {
	n := 6 // digits of a number
	for _, v := range q.Values() {
		n = max(n, len(v))
	}
	return n
}

// meant is the answer that a line stands for: also the beginning of a word, where only one begins so.
func meant(q advise.Question, line string) string {
	line = strings.ToLower(strings.TrimSpace(line))
	switch {
	case line == "" && q.Default != "":
		return q.Default
	case line == "" || line == dontKnow || line == "don't know":
		return advise.DontKnow
	}
	var all []string
	for _, v := range q.Values() {
		if strings.HasPrefix(v, line) {
			all = append(all, v)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return line
}
