package cookies

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
)

// secret is a mounted Secret.
type secret struct {
	t   *testing.T
	dir string
}

func newSecret(t *testing.T, files ...string) secret {
	t.Helper()
	s := secret{t, t.TempDir()}
	s.write(files...)
	return s
}

// write takes names and contents in turn; an empty content removes the file.
func (s secret) write(files ...string) {
	s.t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(s.dir, files[i])
		err := os.WriteFile(path, []byte(files[i+1]), 0o600)
		if files[i+1] == "" {
			err = os.Remove(path)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s secret) cookies() *Cookies { return New(filepath.Join(s.dir, "cookie")) }

func names(all []dist.Cookie) string {
	var out []string
	for _, c := range all {
		out = append(out, fmt.Sprintf("%q", c.Reveal()))
	}
	return strings.Join(out, " ")
}

var at = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestARotation(t *testing.T) {
	s := newSecret(t, "cookie", "old")
	c := s.cookies()
	check := func(when time.Duration, expected, candidates string, holding bool) {
		t.Helper()
		if err := c.Load(); err != nil {
			t.Fatal(err)
		}
		now := at.Add(when)
		if got := c.Expected(now).Reveal(); got != expected {
			t.Errorf("at %v: expected %q, want %q", when, got, expected)
		}
		if got := names(c.Candidates(now)); got != candidates {
			t.Errorf("at %v: candidates %s, want %s", when, got, candidates)
		}
		if got := c.Holding(now); got != holding {
			t.Errorf("at %v: holding is %v", when, got)
		}
	}
	check(0, "old", `"old"`, false)
	s.write("next", "new", "switchAt", at.Format(time.RFC3339)+"\n")
	check(-time.Minute, "old", `"old" "new"`, false)
	check(-time.Second, "old", `"old" "new"`, true)
	check(0, "new", `"new" "old"`, true)
	check(time.Minute, "new", `"new" "old"`, false)
	s.write("cookie", "new", "next", "", "switchAt", "")
	check(2*time.Minute, "new", `"new" "old"`, false) // a node that restarts may still be told the old one
}

// A cookie changed outright, and one that somebody wrote with a line end.
func TestCandidates(t *testing.T) {
	s := newSecret(t, "cookie", "a\n")
	c := s.cookies()
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	if got, want := names(c.Candidates(at)), `"a\n" "a"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.write("cookie", "b")
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	if got, want := names(c.Candidates(at)), `"b" "a\n" "a"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWhatIsWrongIsSaidAndChangesNothing(t *testing.T) {
	for what, tc := range map[string]struct {
		files []string
		says  string
	}{
		"gone":     {[]string{"cookie", ""}, "no such file"},
		"empty":    {[]string{"cookie", "\n"}, "is empty"},
		"too long": {[]string{"cookie", strings.Repeat("x", maxFile+1)}, "longer than"},
		"no time":  {[]string{"next", "b", "switchAt", "soon"}, "switchAt holds no time"},
		"no next":  {[]string{"next", "\n", "switchAt", at.Format(time.RFC3339)}, "next is empty"},
	} {
		s := newSecret(t, "cookie", "sesame-a")
		c := s.cookies()
		if err := c.Load(); err != nil {
			t.Fatal(err)
		}
		s.write(tc.files...)
		err := c.Load()
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q", what, err, tc.says)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the cookie is in the error", what)
		}
		if got := c.Expected(at).Reveal(); got != "sesame-a" {
			t.Errorf("%s: expected %q", what, got)
		}
	}
	// A time without a cookie to come announces nothing.
	s := newSecret(t, "cookie", "a", "switchAt", at.Format(time.RFC3339))
	c := s.cookies()
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	if _, announced := c.Rotation(); announced || c.Holding(at) {
		t.Error("a switch is announced, and no cookie to switch to")
	}
}
