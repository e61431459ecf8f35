package check

import (
	"encoding/json"
	"fmt"

	"github.com/phialdev/phial/internal/finding"
)

// Baseline is what was there when a team began to check: it is not counted, until it is mended.
type Baseline struct {
	Name  string `json:"-"` // of the file
	Known []Known

	prints map[string]bool
}

// Known is one finding of a baseline. The fingerprint alone decides; the rest is for people.
type Known struct {
	Fingerprint string       `json:"fingerprint"`
	Code        finding.Code `json:"code"`
	Subject     string       `json:"subject"`
	File        string       `json:"file"`
}

type baselineFile struct {
	Version int     `json:"version"`
	Known   []Known `json:"known"`
}

// ParseBaseline reads what [Baseline.Encode] writes.
func ParseBaseline(name string, text []byte) (*Baseline, error) {
	var f baselineFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s is no baseline: %w; --write-baseline makes one", name, err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("%s is a baseline of version %d, and this program knows 1; --write-baseline makes it anew", name, f.Version)
	}
	b := &Baseline{Name: name, Known: f.Known, prints: map[string]bool{}}
	for _, k := range f.Known {
		b.prints[k.Fingerprint] = true
	}
	return b, nil
}

// BaselineOf takes all of a report's findings, those that an older baseline hid among them.
func BaselineOf(r Report, older *Baseline) *Baseline {
	b := &Baseline{Known: []Known{}}
	var take func(f Finding)
	take = func(f Finding) {
		b.Known = append(b.Known, Known{f.Fingerprint, f.Code, f.Subject, f.At.File})
		for _, below := range f.Beneath {
			take(below)
		}
	}
	for _, f := range r.Findings {
		take(f)
	}
	if older != nil {
		for _, s := range r.Suppressed {
			if s.By == older.Name {
				take(s.Finding)
			}
		}
	}
	return b
}

// Encode writes the file.
func (b *Baseline) Encode() []byte {
	text, err := json.MarshalIndent(baselineFile{1, b.Known}, "", "  ")
	if err != nil {
		panic(err) // texts alone
	}
	return append(text, '\n')
}

func (b *Baseline) has(f *Finding) bool { return b.prints[f.Fingerprint] }
