// Package metrics writes what an agent measures in Prometheus' text format, version
// 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), as the agent
// uses it: gauges and counters with a unit in their names, seconds and bytes.
package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ContentType is the format's.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Text collects families of metrics. Its zero value is empty. A family that breaks the
// format or the conventions is left out, and Err says which.
type Text struct {
	out   []byte
	seen  map[string]bool
	wrong []error
}

// A Sample is one value of a family.
type Sample struct {
	Value  float64
	Labels []string // name, value, name, value ...
}

// Value makes a sample; labels are name, value, name, value and so on.
func Value(v float64, labels ...string) Sample { return Sample{v, labels} }

// Bool makes a sample of 1 or 0.
func Bool(b bool, labels ...string) Sample {
	if b {
		return Sample{1, labels}
	}
	return Sample{0, labels}
}

// Gauge adds a family of values that rise and fall. Without samples it adds nothing.
func (t *Text) Gauge(name, help string, samples ...Sample) { t.family("gauge", name, help, samples) }

// Counter adds a family of values that only rise until the process begins anew; its name
// ends in _total. Without samples it adds nothing.
func (t *Text) Counter(name, help string, samples ...Sample) {
	t.family("counter", name, help, samples)
}

// Bytes gives the text so far.
func (t *Text) Bytes() []byte { return t.out }

// Err says which families were left out, and why; nil: none.
func (t *Text) Err() error { return errors.Join(t.wrong...) }

func (t *Text) family(kind, name, help string, samples []Sample) {
	if len(samples) == 0 {
		return
	}
	if err := t.check(kind, name, help, samples); err != nil {
		t.wrong = append(t.wrong, fmt.Errorf("metric %q: %w", name, err))
		return
	}
	t.seen[name] = true
	t.out = fmt.Appendf(t.out, "# HELP %s %s\n# TYPE %s %s\n", name, escape(help, false), name, kind)
	for _, s := range samples {
		t.out = append(t.out, name...)
		t.out = appendLabels(t.out, s.Labels)
		t.out = append(t.out, ' ')
		t.out = appendValue(t.out, s.Value)
		t.out = append(t.out, '\n')
	}
}

// strangeUnits are what names end in where the base unit was meant.
var strangeUnits = []string{"_ms", "_millis", "_milliseconds", "_us", "_microseconds", "_ns", "_nanoseconds",
	"_minutes", "_hours", "_kb", "_kilobytes", "_mb", "_megabytes", "_percent"}

func (t *Text) check(kind, name, help string, samples []Sample) error {
	if t.seen == nil {
		t.seen = map[string]bool{}
	}
	switch {
	case !isName(name, true):
		return errors.New("it is no name of a metric")
	case t.seen[name]:
		return errors.New("there is one already")
	case strings.TrimSpace(help) == "":
		return errors.New("it has no help")
	case (kind == "counter") != strings.HasSuffix(name, "_total"):
		return errors.New("counters end in _total, and nothing else does")
	}
	for _, unit := range strangeUnits {
		if strings.HasSuffix(strings.TrimSuffix(name, "_total"), unit) {
			return errors.New("its unit is no base unit: use _seconds, _bytes or _ratio")
		}
	}
	sets := make(map[string]bool, len(samples))
	for _, s := range samples {
		if kind == "counter" && !(s.Value >= 0) {
			return errors.New("a counter is no less than 0")
		}
		if err := checkLabels(s.Labels); err != nil {
			return err
		}
		set := labelSet(s.Labels)
		if sets[set] {
			return errors.New("two samples have the same labels")
		}
		sets[set] = true
	}
	return nil
}

func checkLabels(labels []string) error {
	if len(labels)%2 != 0 {
		return errors.New("a label has no value")
	}
	for i := 0; i < len(labels); i += 2 {
		if name := labels[i]; !isName(name, false) || strings.HasPrefix(name, "__") {
			return fmt.Errorf("%q is no name of a label", name)
		}
		for j := 0; j < i; j += 2 {
			if labels[j] == labels[i] {
				return fmt.Errorf("label %s is there twice", labels[i])
			}
		}
	}
	return nil
}

// labelSet is the same for the same labels in any order.
func labelSet(labels []string) string {
	if len(labels) <= 2 {
		return string(appendLabels(nil, labels))
	}
	pairs := make([]string, 0, len(labels)/2)
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+"\x00"+escape(labels[i+1], true))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "\x00")
}

// isName: [a-zA-Z_:][a-zA-Z0-9_:]*, the colon in metrics only.
func isName(s string, colon bool) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', colon && r == ':':
		case r >= '0' && r <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

func appendLabels(b []byte, labels []string) []byte {
	for i := 0; i < len(labels); i += 2 {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(b, labels[i]...)
		b = append(b, `="`...)
		b = append(b, escape(labels[i+1], true)...)
		b = append(b, '"')
	}
	if len(labels) > 0 {
		b = append(b, '}')
	}
	return b
}

func appendValue(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, "NaN"...)
	case math.IsInf(v, 1):
		return append(b, "+Inf"...)
	case math.IsInf(v, -1):
		return append(b, "-Inf"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func escape(s string, label bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if label {
		return escapeLabel.Replace(s)
	}
	return escapeHelp.Replace(s)
}
