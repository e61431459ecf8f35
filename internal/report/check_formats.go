package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// CheckJUnit writes a check as JUnit's XML: a suite for each rule, a failure for each error and warning. Hints do not fail.
func CheckJUnit(w io.Writer, r check.Report) error {
	all := junitSuites{Name: "phial check"}
	missing := map[finding.Code][]string{}
	for _, n := range r.NotChecked {
		missing[n.Code] = n.Missing
	}
	found := map[finding.Code][]check.Finding{}
	for _, f := range r.Findings {
		found[f.Code] = append(found[f.Code], f)
	}
	for _, rule := range check.Rules() {
		class := string(rule.Code)
		suite := junitSuite{Name: class + " " + rule.Title}
		for _, f := range found[rule.Code] {
			c := junitCase{Name: f.At.String() + " " + f.Subject, Class: class}
			if text := checkMessage(f); f.Severity >= finding.Warning {
				c.Failure = &junitMessage{f.Cause, f.Severity.String(), f.At.String() + ": " + text}
				suite.Failures++
			} else {
				c.Out = f.At.String() + ": " + text
			}
			suite.Cases = append(suite.Cases, c)
		}
		if m := missing[rule.Code]; m != nil {
			suite.Cases = append(suite.Cases, junitCase{Name: rule.Title, Class: class, Skipped: &junitMessage{Message: "not checked for want of " + strings.Join(m, " and ")}})
			suite.Skipped++
		}
		if len(suite.Cases) == 0 {
			suite.Cases = []junitCase{{Name: rule.Title, Class: class}}
		}
		suite.Tests = len(suite.Cases)
		all.Tests, all.Failures = all.Tests+suite.Tests, all.Failures+suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// CheckMarkdown writes a check for a comment on a pull request.
func CheckMarkdown(w io.Writer, r check.Report) {
	fmt.Fprintf(w, "### phial check: %s\n", markdown(CheckSummary(r)))
	if len(r.Findings) > 0 {
		fmt.Fprint(w, "\n| | where | what | fix |\n|---|---|---|---|\n")
	}
	for _, f := range r.Findings {
		what := "**" + markdown(f.Title) + "**<br>" + markdown(f.Cause)
		if f.Subject != "" && f.Subject != f.At.File {
			what += "<br>" + markdown(f.Subject)
		}
		for _, b := range f.Beneath {
			what += "<br>with it: " + markdown(string(b.Code)+" "+b.Cause)
		}
		fmt.Fprintf(w, "| %s %s | `%s` | %s | %s |\n", SeverityWord(f.Severity), f.Code, strings.ReplaceAll(control(f.At.String()), "`", "'"), what, markdown(f.Fix))
	}
	for _, m := range r.Meshes {
		fmt.Fprintf(w, "\n%s\n", markdown(strings.Join(meshSummary(m), " ")))
	}
	if lines := notChecked(r); len(lines) > 0 {
		fmt.Fprint(w, "\n")
		for _, l := range lines {
			fmt.Fprintf(w, "- %s\n", markdown(l))
		}
	}
}

// markdown keeps text from being anything else, in a cell of a table too.
func markdown(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "#", "\\#", "\n", " ", "$", "\\$").Replace(control(text))
}

// CheckGitHub writes a check as commands that GitHub's runners turn into annotations.
func CheckGitHub(w io.Writer, r check.Report) {
	for _, f := range r.Findings {
		command := f.Severity.String()
		if f.Severity == finding.Info {
			command = "notice"
		}
		properties := "file=" + githubProperty(f.At.File)
		if f.At.File == manifest.StdinName { // no file that a runner could show
			properties = "file="
		} else if f.At.Line > 0 {
			properties += fmt.Sprintf(",line=%d,endLine=%d", f.At.Line, max(f.At.Line, f.At.EndLine))
			if f.At.Column > 0 {
				properties += fmt.Sprintf(",col=%d,endColumn=%d", f.At.Column, f.At.EndColumn)
			}
		}
		fmt.Fprintf(w, "::%s %s,title=%s::%s\n", command, properties, githubProperty(string(f.Code)+" "+f.Title), githubData(checkMessage(f)))
	}
}

func githubData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func githubProperty(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
