package check

import (
	"fmt"
	"regexp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// Span is a place in a file: a line, and the columns of it that are meant. Lines and columns count from 1, columns in
// characters; a Line of 0 is the file as a whole, and a Column of 0 the whole line.
type Span struct {
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"` // the first one behind
}

// String is file:line:column.
func (s Span) String() string {
	return manifest.Position{File: s.File, Line: s.Line, Column: s.Column}.String()
}

// SpanOf is where a field stands; of one that is absent, the nearest around it.
func SpanOf(f manifest.Field) Span { return span(f.Position(), f.Width()) }

func span(p manifest.Position, width int) Span {
	return Span{p.File, p.Line, p.Column, p.Line, p.Column + width}
}

// Related is another place that has to do with a finding.
type Related struct {
	Span
	Text string `json:"text"`
}

// Finding is a finding with a place.
type Finding struct {
	finding.Finding
	Title      string     `json:"title"`
	Confidence Confidence `json:"confidence"`
	At         Span       `json:"at"`
	Related    []Related  `json:"related,omitempty"`
	// Beneath are the findings that follow from this one, and go with it.
	Beneath []Finding `json:"beneath,omitempty"`
	// Edits mend it in place, where that is safe.
	Edits []manifest.Edit `json:"edits,omitempty"`
	// Fingerprint stays the same when lines move.
	Fingerprint string `json:"fingerprint"`
	// Origin is the template that the object was made from, where its tool says so.
	Origin string `json:"origin,omitempty"`
	// Masked says that what stands behind the place is secret: it must not be shown.
	Masked bool `json:"masked,omitempty"`

	object *manifest.Object
	path   string   // of the field, for the fingerprint
	about  string   // the subject, told from others of the same name
	over   []string // other subjects whose findings may follow from it
	first  *Finding // of the same mistake, which this one goes beneath
}

// Finder is how one rule tells what it has found.
type Finder struct {
	in    *Input
	rule  *Rule
	found []*Finding
	more  int // findings beyond maxFound
}

// maxFound bounds what one rule tells: more than that is nobody's to read.
const maxFound = 10_000

// At adds a finding about an object, at a field. The cause is a sentence without a dot.
func (f *Finder) At(about *manifest.Object, at manifest.Field, format string, args ...any) *Finding {
	n := f.add(about.Label(), SpanOf(at), format, args...)
	if f.more > 0 {
		return n
	}
	n.object, n.path, n.about = at.Object(), at.Path(), aboutOf(about)
	if n.object != nil {
		n.Origin = n.object.Origin
	}
	n.Masked = secret(at)
	return n
}

// aboutOf tells an object from others of its name.
func aboutOf(o *manifest.Object) string { return o.Label() + "\x00" + o.File }

// AtName is At that points to the field's name: for values that are too long, or secret. Secret is for the latter.
func (f *Finder) AtName(about *manifest.Object, at manifest.Field, format string, args ...any) *Finding {
	n := f.At(about, at, format, args...)
	if name := at.Name(); name != "" {
		n.At = span(at.KeyPosition(), len([]rune(name)))
	}
	return n
}

// In adds a finding at a place of the project. The subject is what it is about: the app, a release, a file.
func (f *Finder) In(subject string, at project.Pos, format string, args ...any) *Finding {
	n := f.add(subject, Span{File: f.in.ProjectFile(at.File), Line: at.Line, Column: at.Col}, format, args...)
	if at.Line > 0 && at.Col > 0 {
		n.At.EndLine, n.At.EndColumn = at.Line, at.Col+1
	}
	n.about = subject
	return n
}

// On adds a finding at a place of any file.
func (f *Finder) On(subject string, at Span, format string, args ...any) *Finding {
	n := f.add(subject, at, format, args...)
	n.about = subject
	return n
}

func (f *Finder) add(subject string, at Span, format string, args ...any) *Finding {
	n := &Finding{
		Finding: finding.Finding{
			Code: f.rule.Code, Severity: f.rule.Severity, Subject: subject,
			Cause: fmt.Sprintf(format, args...), Fix: f.rule.Fix, Evidence: []string{},
		},
		Title: f.rule.Title, Confidence: f.rule.Confidence, At: at,
	}
	if len(f.found) >= maxFound {
		f.more++
		return n
	}
	f.found = append(f.found, n)
	return n
}

// As weighs a finding otherwise than its rule.
func (n *Finding) As(s finding.Severity, c Confidence) *Finding {
	n.Severity, n.Confidence = s, c
	return n
}

// Mend says what to do about this finding in particular.
func (n *Finding) Mend(format string, args ...any) *Finding {
	n.Fix = fmt.Sprintf(format, args...)
	return n
}

// Also adds a place that has to do with it.
func (n *Finding) Also(at manifest.Field, format string, args ...any) *Finding {
	n.Related = append(n.Related, Related{SpanOf(at), fmt.Sprintf(format, args...)})
	return n
}

// Saw adds evidence: what was seen, and where.
func (n *Finding) Saw(format string, args ...any) *Finding {
	n.Evidence = append(n.Evidence, fmt.Sprintf(format, args...))
	return n
}

// Edited adds an edit that mends it; one that is not ok is left out.
func (n *Finding) Edited(e manifest.Edit, ok bool) *Finding {
	if ok {
		n.Edits = append(n.Edits, e)
	}
	return n
}

// Secret says that what stands behind the place must not be shown.
func (n *Finding) Secret() *Finding {
	n.Masked = true
	return n
}

// weigh holds a finding to what its confidence allows, and to its rule.
func (n *Finding) weigh(r *Rule) {
	n.Confidence = min(n.Confidence, r.Confidence)
	n.Severity = min(n.Severity, r.Severity, n.Confidence.heaviest())
}

// secretName is what people call a variable that holds a secret.
var secretName = regexp.MustCompile(`(?i)(cookie|secret|passw|passphrase|token|api_?key|private|credential|(^|_)pass$|(^|_)key$|_key_base|_dsn$|(database|db|redis|amqp|rabbitmq|mongo|postgres|ecto)[a-z_]*_(url|uri)$)`)

// secret tells whether a field's line may hold a secret: an entry of a Secret, or a variable that is called so.
func secret(f manifest.Field) bool {
	o := f.Object()
	if o == nil {
		return false
	}
	if o.Kind == "Secret" {
		return true
	}
	if calls.MatchString(f.Path()) {
		return false // what a Secret is called is none
	}
	if secretName.MatchString(f.Name()) {
		return true
	}
	if f.Name() != "value" {
		return secretName.MatchString(f.Key("name").String())
	}
	// The name of the entry that this is the value of.
	return secretEntry.MatchString(f.Path())
}

// calls is the path of something that names a Secret or a ConfigMap, or a key in one.
var calls = regexp.MustCompile(`(?i)(secret|configMap)(KeyRef|Ref|Name)(\.\w+)?$`)

// secretEntry is the path of a value in an entry with such a name: env[RELEASE_COOKIE].value.
var secretEntry = regexp.MustCompile(`(?i)\[[^\]]*(cookie|secret|passw|passphrase|token|key|private|credential|pass|url|uri|dsn)[^\]]*\]\.value$`)
