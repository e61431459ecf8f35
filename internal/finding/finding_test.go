package finding

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// values gives every placeholder of an entry a value.
func values(e Entry) Values {
	v := Values{}
	for _, m := range placeholder.FindAllStringSubmatch(e.Cause+e.Fix, -1) {
		v[m[1]] = "<" + m[1] + ">"
	}
	return v
}

func TestCatalogue(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z0-9]{3}-\d\d$`)
	for _, e := range Entries() {
		if !form.MatchString(string(e.Code)) || e.Code.Family() != string(e.Code[:3]) {
			t.Errorf("code %q", e.Code)
		}
		if e.Title == "" || e.Cause == "" || e.Fix == "" {
			t.Errorf("%s has no title, cause or fix", e.Code)
		}
		if strings.HasSuffix(e.Fix, ".") || strings.HasSuffix(e.Cause, ".") {
			t.Errorf("%s: texts are parts of a line and end without a full stop", e.Code)
		}
		f := New(e.Code, "shop@10.0.0.7", values(e))
		if strings.ContainsAny(f.Cause+f.Fix, "{}") || f.Severity != e.Severity || f.Evidence == nil {
			t.Errorf("%s: %+v", e.Code, f)
		}
	}
}

func TestNewNeedsEveryValue(t *testing.T) {
	for _, e := range Entries() {
		v := values(e)
		delete(v, "subject")
		for missing := range v {
			short := Values{}
			for k, s := range v {
				if k != missing {
					short[k] = s
				}
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s without {%s} is made all the same", e.Code, missing)
					}
				}()
				New(e.Code, "shop@10.0.0.7", short)
			}()
		}
	}
}

// A person reads words, not the marks of a template.
func TestGeneral(t *testing.T) {
	for _, e := range Entries() {
		g := e.General()
		if text := g.Cause + g.Fix; strings.ContainsAny(text, "{}") || strings.Contains(text, "<where>") {
			t.Errorf("%s: %s", e.Code, text)
		}
	}
	e, _ := Lookup(CookieDiffers)
	if got, want := e.General().Cause, "<subject> has another cookie than <others>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e, _ = Lookup(FamilyMismatch)
	if got, want := e.General().Cause, "<a> runs distribution over <proto of a> and <b> over <proto of b>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRaised(t *testing.T) {
	f := New(NotListed, "shop@10.0.0.7", Values{"service": "shop"})
	if got := f.Raised(Error).Severity; got != Error {
		t.Errorf("%s raised to an error is %s", f.Severity, got)
	}
	if got := f.Raised(Info).Severity; got != Warning {
		t.Errorf("%s raised to less is %s", f.Severity, got)
	}
}

func TestJSON(t *testing.T) {
	f := New(PartialByChoice, "shop@10.0.0.7", nil)
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"code":"GLB-04"`, `"severity":"info"`, `"subject":"shop@10.0.0.7"`, `"cause":"`, `"fix":"`, `"evidence":[]`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s has no %s", b, want)
		}
	}
	var back Finding
	if err := json.Unmarshal(b, &back); err != nil || back.Code != f.Code || back.Severity != f.Severity {
		t.Errorf("came back as %+v, %v", back, err)
	}
	var s Severity
	if s.UnmarshalText([]byte("fatal")) == nil {
		t.Error("a severity that does not exist is read")
	}
	if _, err := Severity(9).MarshalText(); err == nil {
		t.Error("a severity that does not exist is written")
	}
}
