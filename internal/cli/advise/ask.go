package advise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
)

// dontKnow is what a person types for it.
const dontKnow = "?"

var errInterrupted = errors.New("interrupted before the questions were answered; flags answer them too (phial advise --help)")

// ask asks what no flag has answered. Input that ends leaves the rest unknown.
func ask(ctx context.Context, in io.Reader, out io.Writer, f advise.Facts, o *options) error {
	lines := make(chan string)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with the process, where nobody answers
		defer close(lines)
		r := bufio.NewReader(in)
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
	fmt.Fprintf(out, "What only you know; %s is don't know, and Enter takes what stands in brackets.\n\n", dontKnow)
	for _, q := range advise.Questions(f, o.answers) {
		if slices.Contains(o.answered, q.Name) {
			continue
		}
		for {
			fmt.Fprint(out, prompt(q))
			var line string
			var open bool
			select {
			case <-ctx.Done():
				fmt.Fprintln(out)
				return errInterrupted
			case line, open = <-lines:
			}
			if !open {
				fmt.Fprintln(out)
				return nil
			}
			if err := o.answers.Set(q.Name, meant(q, line)); err != nil {
				fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(err.Error(), advise.DontKnow, dontKnow))
				continue
			}
			break
		}
	}
	fmt.Fprintln(out)
	return nil
}

// prompt shows a question, what it takes, and what Enter stands for.
func prompt(q advise.Question) string {
	takes := "a number"
	if !q.Number {
		takes = strings.Join(q.Values(), ", ")
	}
	otherwise := q.Default
	if otherwise == "" {
		otherwise = "don't know"
	}
	return fmt.Sprintf("%s (%s, %s) [%s] ", q.Text, takes, dontKnow, otherwise)
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
