// Package finding is the finding: one diagnosed fact with a stable code, and the
// one catalogue of codes, severities and texts that every surface shows.
package finding

import (
	"fmt"
	"strings"
)

// Code is the stable name of a kind of finding: a family of three letters and a
// number, such as NAM-02.
type Code string

// Family gives the letters of a code: NAM of NAM-02.
func (c Code) Family() string {
	f, _, _ := strings.Cut(string(c), "-")
	return f
}

// Severity orders findings. The zero value is Info.
type Severity uint8

// Severities, mildest first.
const (
	Info    Severity = iota // worth knowing; nothing is broken
	Warning                 // works now and will not always
	Error                   // something does not work
)

func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// MarshalText gives "error", "warning" or "info".
func (s Severity) MarshalText() ([]byte, error) {
	if s > Error {
		return nil, fmt.Errorf("severity %d is not known", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText gives.
func (s *Severity) UnmarshalText(b []byte) error {
	for _, v := range []Severity{Info, Warning, Error} {
		if string(b) == v.String() {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("severity %q is none of error, warning, info", b)
}

// Finding is one diagnosed fact.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // the node, or "A -- B" for a link, or a name
	Cause    string   `json:"cause"`   // what is wrong, in plain words
	Fix      string   `json:"fix"`     // what to do about it
	Evidence []string `json:"evidence"`
	// Links are the pairs of nodes between which it was found, each missing a link. A
	// finding about a node by itself has none.
	Links [][2]string `json:"links,omitempty"`
	// Replicas are the replicas that the subject's nodes belong to, where whoever
	// looked knows: a node named by its address says little to a person.
	Replicas []string `json:"replicas,omitempty"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s %s: %s", f.Code, f.Subject, f.Cause)
}

// Values fill the {placeholders} of a catalogue entry's texts.
type Values map[string]string

// New makes a finding from its catalogue entry. Every placeholder of the entry's
// texts needs a value; {subject} is the subject. A code without an entry, or a
// placeholder without a value, is a mistake in the program and panics.
func New(code Code, subject string, v Values, evidence ...string) Finding {
	e, ok := Lookup(code)
	if !ok {
		panic("finding: no catalogue entry for " + string(code))
	}
	if evidence == nil {
		evidence = []string{} // the JSON is a list, never null
	}
	return Finding{
		Code: code, Severity: e.Severity, Subject: subject,
		Cause: fill(e, e.Cause, subject, v), Fix: fill(e, e.Fix, subject, v),
		Evidence: evidence,
	}
}

// Raised gives the finding with a severity of at least the given one, where it weighs more
// than its code as a rule does.
func (f Finding) Raised(to Severity) Finding {
	f.Severity = max(f.Severity, to)
	return f
}

func fill(e Entry, text, subject string, v Values) string {
	return e.replace(text, func(name string) string {
		value, known := v[name]
		if name == "subject" {
			value, known = subject, true
		}
		if !known {
			panic(fmt.Sprintf("finding: %s needs a value for {%s}", e.Code, name))
		}
		return value
	})
}

// General gives the entry for people: what a look fills in stands in angle brackets,
// <subject>, and what may be left out is.
func (e Entry) General() Entry {
	name := func(name string) string {
		if name == "where" { // " of NODE", where it is not Phial's own server
			return ""
		}
		return "<" + strings.ReplaceAll(name, "_", " of ") + ">"
	}
	e.Cause, e.Fix = e.replace(e.Cause, name), e.replace(e.Fix, name)
	return e
}

// replace puts a value for each {placeholder} of a text.
func (e Entry) replace(text string, value func(name string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			panic("finding: unclosed placeholder in " + string(e.Code))
		}
		b.WriteString(value(name))
		text = after
	}
}
