package initialize

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/phialdev/phial/internal/cli/advise"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/scaffold"
)

type options struct {
	scaffold.Options
	dir                            string
	yes, force, dryRun, diff, json bool
}

// place gives a place in the project as seen from where the person is.
func (o options) place(at project.Pos) project.Pos {
	at.File = filepath.ToSlash(filepath.Join(o.dir, at.File))
	return at
}

// Report is the JSON of `phial init`.
type Report struct {
	Dir     string `json:"dir"`
	Name    string `json:"name"`
	Release string `json:"release"`
	Image   string `json:"image"`
	Files   []File `json:"files"`
	Notes   []Note `json:"notes"`
	Written bool   `json:"written"`
	Next    []Step `json:"next"`
	Remark  string `json:"remark,omitempty"` // what to know of Next
}

// File is one file and what becomes of it: "new", "overwrite", "kept" or "same".
type File struct {
	Path  string `json:"path"`
	State string `json:"state"`
	Diff  string `json:"diff,omitempty"` // with --diff
}

// Note is what could not be told, or was assumed. Line and Column are 0 for a file as a whole.
type Note struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// Step is a command to go on with.
type Step struct {
	Command string `json:"command"`
	Why     string `json:"why"`
}

func initialize(ctx context.Context, s *term.IO, o options) error {
	p, err := deployed.Project(o.dir, "init")
	if err != nil {
		return err
	}
	o.Decided, o.Advised = advise.Type(p, o.dir)
	o.Found, o.FoundAt = advise.Image(p, o.dir)
	made, err := scaffold.Generate(p, o.Options)
	var refused *scaffold.Error
	if errors.As(err, &refused) {
		return fmt.Errorf("%s: %s", o.place(refused.At), refused.Text)
	}
	if err != nil {
		return err
	}
	changes, err := compare(o.dir, made.Files, o.force)
	if err != nil {
		return err
	}
	r := report(o, made, changes)
	todo := changes.toWrite()
	if !o.json {
		show(s, o, r)
	}
	err = nil
	switch {
	case o.dryRun || len(todo) == 0:
	case o.yes:
		err = todo.write(o.dir)
	case o.json || !terminal(s):
		err = fmt.Errorf("nothing written: this is no terminal to ask at; give --yes to write %s, or --dry-run only to look", count(len(todo)))
	default:
		if err = ask(ctx, s, len(todo)); err == nil {
			err = todo.write(o.dir)
		}
	}
	r.Written = err == nil && !o.dryRun && len(todo) > 0
	if o.json {
		return errors.Join(s.WriteJSON(r), err)
	}
	if err != nil {
		return err
	}
	switch {
	case len(todo) == 0:
		fmt.Fprintln(s.Out, "\nNothing to write.")
	case o.dryRun:
		fmt.Fprintf(s.Out, "\nNothing written: that would be %s.\n", count(len(todo)))
	default:
		fmt.Fprintf(s.Out, "\nWrote %s.\n", count(len(todo)))
	}
	width := 0
	for _, st := range r.Next {
		width = max(width, len(st.Command))
	}
	fmt.Fprintln(s.Out, "\nNext:")
	for _, st := range r.Next {
		fmt.Fprintf(s.Out, "  %-*s  %s\n", width, st.Command, st.Why)
	}
	if r.Remark != "" {
		fmt.Fprintln(s.Out, "\n"+r.Remark)
	}
	return nil
}

// report says what there is to write and to know.
func report(o options, made *scaffold.Result, changes changes) Report {
	r := Report{Dir: o.dir, Name: made.Name, Release: made.Release, Image: made.Image, Files: []File{}, Notes: []Note{}}
	for _, c := range changes {
		f := File{Path: c.path, State: c.state}
		if o.diff && c.writes() {
			from := c.path
			if c.state == stateNew {
				from = "/dev/null"
			}
			f.Diff = string(diff.Diff(from, c.old, c.path, c.content))
		}
		r.Files = append(r.Files, f)
	}
	for _, n := range made.Notes {
		// What is said of a file holds of ours, and not of the one that somebody has there; or the other way round.
		if n.File != "" && n.Kept != changes.kept(n.File) {
			continue
		}
		r.Notes = append(r.Notes, Note{n.At.File, n.At.Line, n.At.Col, n.Text})
	}
	dir, file := "", "phial.yaml"
	if filepath.Clean(o.dir) != "." {
		dir, file = " "+term.Word(o.dir), filepath.Join(o.dir, file)
	}
	context := dir
	if context == "" {
		context = " ."
	}
	if made.Deps {
		get := Step{"mix deps.get", "fetch the dependencies; it writes mix.lock, which belongs into the repository"}
		if dir != "" {
			get.Command = "(cd" + dir + " && mix deps.get)"
		}
		r.Next = append(r.Next, get)
	}
	r.Next = append(r.Next, Step{"phial up" + dir, "run it on this machine, as Kubernetes would"},
		Step{"docker build -t " + made.Image + context, "make the image as the Dockerfile says"},
		Step{"phial build" + dir + " --push REPOSITORY", "or make it of the release that mix builds here, without Docker, and push it"})
	if len(made.Secrets) > 0 {
		r.Next = append(r.Next, Step{"kubectl create secret generic " + made.Name + "-env --from-env-file=FILE", "FILE has " + strings.Join(made.Secrets, ", ")})
	}
	render := "phial render"
	if dir != "" {
		render += " -f " + term.Word(file)
	}
	r.Next = append(r.Next, Step{render + " | kubectl apply --server-side -f -", "run it on Kubernetes; render says how to make the cookie's Secret"})
	if made.Without != "" && !changes.kept("phial.yaml") {
		r.Remark = "Discovery is Phial: on Kubernetes its agents join the nodes (phial render --agent-image IMAGE). Without them " + made.Without + " in phial.yaml."
	}
	return r
}

// show prints it for a person.
func show(s *term.IO, o options, r Report) {
	fmt.Fprintf(s.Out, "%s: release %s, image %s\n", r.Name, r.Release, r.Image)
	for _, f := range r.Files {
		text := f.Path
		switch f.State {
		case stateKept:
			text += "  (is there and differs; --force overwrites)"
		case stateSame:
			text += "  (is there)"
		}
		fmt.Fprintf(s.Out, "  %-9s  %s\n", f.State, text)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(s.Out, "\nCould not tell, or assumed:")
		for _, n := range r.Notes {
			fmt.Fprintf(s.Out, "  %s: %s\n", o.place(project.Pos{File: n.File, Line: n.Line, Col: n.Column}), n.Text)
		}
	}
	for _, f := range r.Files {
		if f.Diff != "" {
			fmt.Fprintf(s.Out, "\n%s", f.Diff)
		}
	}
}

// terminal says whether there is somebody to ask.
func terminal(s *term.IO) bool {
	f, ok := s.In.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

var errDeclined = errors.New("nothing written")

// ask asks whether to go on. Only yes is yes.
func ask(ctx context.Context, s *term.IO, n int) error {
	fmt.Fprintf(s.Err, "\nWrite %s? [y/N] ", count(n))
	answer := make(chan string, 1)
	go func() { // ends with the process, where nobody answers
		line, _ := bufio.NewReader(s.In).ReadString('\n') // an end without an answer is no yes
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.Err)
		return errDeclined
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
		return errDeclined
	}
}

func count(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}
