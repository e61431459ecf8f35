package manifest

import "slices"

// Labels are the labels of an object, or of the pods that one makes.
type Labels map[string]string

// LabelsOf reads a mapping of labels.
func LabelsOf(f Field) Labels {
	l := Labels{}
	for name, value := range f.Fields() {
		l[name] = value.String()
	}
	return l
}

// Selected says whether a selector with matchLabels and matchExpressions takes these labels. One that is there and empty
// takes all; one that is absent takes none.
func (l Labels) Selected(selector Field) bool {
	if !selector.IsMap() {
		return false
	}
	if !l.Match(selector.Key("matchLabels")) {
		return false
	}
	for e := range selector.Key("matchExpressions").Items() {
		if !l.expression(e) {
			return false
		}
	}
	return true
}

// Match says whether all of a mapping's labels are among these, as a Service selects.
func (l Labels) Match(want Field) bool {
	for name, value := range want.Fields() {
		if got, ok := l[name]; !ok || got != value.String() {
			return false
		}
	}
	return true
}

func (l Labels) expression(e Field) bool {
	got, there := l[e.Key("key").String()]
	among := slices.ContainsFunc(slices.Collect(e.Key("values").Items()), func(f Field) bool { return f.String() == got })
	switch e.Key("operator").String() {
	case "In":
		return there && among
	case "NotIn":
		return !there || !among
	case "Exists":
		return there
	case "DoesNotExist":
		return !there
	}
	return false
}
