package manifest

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/phialdev/phial/internal/spell"
)

// Misfit is a place of an object at which Kubernetes refuses what stands there, as its API has the kind.
type Misfit struct {
	Field
	Text    string // what it is, and what it has to be: a sentence without a dot
	Meant   string // what would fit; empty: not known
	Unknown bool   // it is a field that the kind does not have
	Quote   bool   // in quotes it fits
}

// Misfits finds the places of an object that have the wrong type, or a name that its kind does not have. Of kinds and versions
// that are not known here there are none.
func (o *Object) Misfits() []Misfit { return new(misfits).of(o) }

// of goes over an object. What was allocated for one serves for the next.
func (w *misfits) of(o *Object) []Misfit {
	t, ok := kinds()[[2]string{o.APIVersion, o.Kind}]
	pods, makes := o.Workload()
	w.found = nil
	switch {
	case ok:
		w.walk(o.Root(), shapeOf(t))
	case makes && o.Kind == Rollout: // all of it but the pods is Argo's
		w.walk(pods.Template, shapeOf(reflect.TypeFor[corev1.PodTemplateSpec]()))
	default:
		return nil
	}
	w.callings(o)
	return w.found
}

// Misfits are those of all objects, in their order. It uses all processors.
func (s *Set) Misfits() [][]Misfit {
	all := make([][]Misfit, len(s.Objects))
	const atATime = 64
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)/atATime+1) {
		wait.Go(func() {
			var w misfits
			for {
				end := int(next.Add(atATime))
				if end-atATime >= len(all) {
					return
				}
				for i := end - atATime; i < min(end, len(all)); i++ {
					all[i] = w.of(s.Objects[i])
				}
			}
		})
	}
	wait.Wait()
	return all
}

// misfits goes over an object.
type misfits struct {
	found  []Misfit
	around []*shape // what has fields, from the root on
	names  []string // by which the walk went there
}

func (w *misfits) add(f Field, format string, args ...any) *Misfit {
	w.found = append(w.found, Misfit{Field: f, Text: fmt.Sprintf(format, args...)})
	return &w.found[len(w.found)-1]
}

// made is a place that a tool fills in later: ${REPLICAS}, {{ .Values.replicas }}.
func made(text string) bool {
	return strings.Contains(text, "$") || strings.Contains(text, "{{") || strings.HasPrefix(text, "<")
}

func (w *misfits) walk(f Field, s *shape) {
	if f.Null() {
		return
	}
	switch s.of {
	case anything:
	case aSentence:
		w.sentence(f, s)
	case aMapping:
		if !f.IsMap() {
			w.other(f, "a mapping")
			return
		}
		below := s.items()
		for _, v := range f.Fields() {
			w.walk(v, below)
		}
	case aList:
		if !f.IsList() {
			w.other(f, "a list")
			return
		}
		below := s.items()
		for v := range f.Items() {
			w.walk(v, below)
		}
	default:
		text, ok := f.Text()
		if !ok {
			w.other(f, s.word())
			return
		}
		w.scalar(f, text, s)
	}
}

func (w *misfits) sentence(f Field, s *shape) {
	if !f.IsMap() {
		w.other(f, "a mapping")
		return
	}
	all := s.fields()
	w.around = append(w.around, s)
	for name, v := range f.Fields() {
		below, ok := all.by[name]
		if !ok {
			w.unknown(f, v, name, all)
			continue
		}
		w.names = append(w.names, name)
		w.walk(v, below)
		w.names = w.names[:len(w.names)-1]
	}
	w.around = w.around[:len(w.around)-1]
}

// unknown is about a field that is not there: misspelt, or in the wrong place.
func (w *misfits) unknown(of, f Field, name string, all *members) {
	if made(name) {
		return
	}
	where := of.Path()
	if where == "" {
		where = of.Object().Kind
	}
	m := w.add(f, "%s has no field %s", where, name)
	m.Unknown = true
	if m.Meant = spell.Nearest(name, all.names); m.Meant != "" {
		m.Text += "; did you mean " + m.Meant + "?"
		return
	}
	if _, selects := all.by["matchLabels"]; selects {
		m.Meant = "matchLabels." + name
		m.Text += "; labels belong below matchLabels"
		return
	}
	for i := len(w.around) - 2; i >= 0; i-- {
		if _, ok := w.around[i].fields().by[name]; ok {
			m.Meant = "further out"
			m.Text += "; it belongs further out, beside " + w.names[i]
			return
		}
	}
	switch outer, several := w.below(of, name, all); {
	case len(several) > 0:
		m.Meant = "further in"
		m.Text += "; it belongs below " + spell.List(several, "or", 4)
	case outer != "":
		m.Meant = outer + "." + name
		m.Text += "; it belongs below " + outer
	}
}

// below is the field beside a misplaced one that has such a field: of several the one that stands above it with nothing below
// it, as where the indentation went wrong, or else the only one that is there at all. Otherwise they are all that it may be.
func (w *misfits) below(of Field, name string, all *members) (outer string, several []string) {
	var have []string
	for _, outer := range all.names {
		if inner := all.by[outer]; inner.of == aSentence && name != "name" {
			if _, ok := inner.fields().by[name]; ok {
				have = append(have, outer)
			}
		}
	}
	var beside []string
	above := true
	for key, v := range of.Fields() {
		if above = above && key != name; !slices.Contains(have, key) {
			continue
		}
		if beside = append(beside, key); above && v.Null() {
			outer = key
		}
	}
	switch {
	case outer != "":
		return outer, nil
	case len(beside) == 1:
		return beside[0], nil
	case len(have) == 1:
		return have[0], nil
	}
	return "", have
}

// other is about a value of another kind than a scalar's, or the other way round.
func (w *misfits) other(f Field, want string) {
	found := "a text"
	switch {
	case f.IsMap():
		found = "a mapping"
	case f.IsList():
		found = "a list"
	case made(f.String()):
		return
	case f.Plain() && isNumber(f, f.String()):
		found = "a number"
	case f.Plain() && truthWord.MatchString(f.String()):
		found = "a boolean"
	}
	w.add(f, "%s is %s, and has to be %s", called(f), found, want)
}

// called is how a sentence begins about a field.
func called(f Field) string {
	if name := f.Name(); name != "" {
		return name
	}
	return f.Path()
}

func (s *shape) word() string {
	return map[shapeKind]string{
		aText: "a text", aNumber: "a whole number", aTruth: "true or false", aQuantity: "a quantity such as 512Mi or 500m",
		aNumberOrText: "a whole number or a text", base64Text: "a text in base64",
	}[s.of]
}

func (w *misfits) scalar(f Field, text string, s *shape) {
	_, truth := f.Bool()
	number := f.Plain() && isNumber(f, text)
	switch s.of {
	case aText:
		switch {
		case f.Plain() && truthWord.MatchString(text):
			w.add(f, "%s is a boolean here, and Kubernetes wants a text", called(f)).Quote = true
		case number:
			w.add(f, "%s is a number here, and Kubernetes wants a text", called(f)).Quote = true
		case s.allowed != nil && text != "" && !made(text) && !slices.Contains(s.allowed, text):
			m := w.add(f, "%s is %s, and may be %s%s", called(f), text, spell.List(s.allowed, "or", 12), spell.Hint(text, s.allowed))
			m.Meant = spell.Nearest(text, s.allowed)
		}
	case aNumber:
		switch {
		case !f.Plain() && wholeNumber(text, s.bits):
			w.add(f, "%s is a text here, for it is in quotes, and Kubernetes wants a whole number", called(f)).Meant = text
		case !made(text) && (!f.Plain() || !number || !wholeOf(f, text, s.bits)):
			w.add(f, "%s is %s, and has to be a whole number", called(f), text)
		}
	case aTruth:
		if !truth && !made(text) {
			m := w.add(f, "%s is %s, and has to be true or false", called(f), text)
			if lower := strings.ToLower(text); lower == "true" || lower == "false" {
				m.Text, m.Meant = called(f)+" is a text here, for it is in quotes, and Kubernetes wants true or false", lower
			}
		}
	case aQuantity:
		w.quantity(f, text, truth)
	case aNumberOrText:
		switch {
		case truth || number && !wholeOf(f, text, 32):
			w.add(f, "%s is %s, and has to be a whole number or a text", called(f), text)
		case !f.Plain() && strings.HasSuffix(strings.ToLower(called(f)), "port") && wholeNumber(text, 32):
			w.add(f, "%s is a name here, for it is in quotes, and a port's name has a letter in it", called(f)).Meant = text
		}
	case base64Text:
		if _, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(text)); err != nil && !made(text) && !number && !truth {
			w.add(f, "the entry %s is not in base64, as data has to be", called(f)).Meant = "stringData"
		}
	}
}

var (
	// truthWord is what every reader of YAML for Kubernetes takes for a boolean.
	truthWord = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$`)
	// numeral is a number that kubectl reads: also 08, which is none in octal.
	numeral = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	// sized is a quantity as people write one, with what they call bytes.
	sized = regexp.MustCompile(`^([0-9.]+) ?([kKmMgGtTpP])(i?)([bB]?|ib|iB)$`)
)

// isNumber says whether kubectl reads a plain word as a number.
func isNumber(f Field, text string) bool {
	_, ok := f.Int()
	return ok || numeral.MatchString(text)
}

func wholeNumber(text string, bits int) bool {
	_, err := strconv.ParseInt(text, 10, bits)
	return err == nil
}

// wholeOf says whether a number is a whole one that fits: 3, 0644, 3.0.
func wholeOf(f Field, text string, bits int) bool {
	limit := math.Ldexp(1, bits-1)
	if n, ok := f.Int(); ok {
		return float64(n) < limit && float64(n) >= -limit
	}
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && n == math.Trunc(n) && n < limit && n >= -limit
}

func (w *misfits) quantity(f Field, text string, truth bool) {
	_, err := resource.ParseQuantity(text)
	if err == nil && !truth || made(text) {
		return
	}
	m := w.add(f, "%s is %s, and has to be a quantity such as 512Mi, 2Gi, 500m or 1.5", called(f), text)
	if p := sized.FindStringSubmatch(text); p != nil {
		unit := strings.ToUpper(p[2])
		m.Meant = p[1] + unit + "i"
		m.Text += "; did you mean " + m.Meant + "?"
	}
}
