package dist_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/dist"
)

func TestCookieNeverShows(t *testing.T) {
	const s = "S3CR3T-cookie"
	c := dist.NewCookie(s)
	type hidden struct{ c dist.Cookie }
	var out bytes.Buffer
	for _, v := range []any{c, &c, hidden{c}, &hidden{c}, []dist.Cookie{c}, map[dist.Cookie]int{c: 1}, dist.Config{Cookie: c}, &dist.Config{Cookie: c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("dialling", "cookie", c, "with", struct{ C dist.Cookie }{c})
	}
	j, err := json.Marshal(map[string]any{"c": c, "s": struct{ C dist.Cookie }{c}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	got := out.String()
	for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprintf("%v", bytes.NewBufferString(s).Bytes())} {
		if strings.Contains(got, form) {
			t.Errorf("the cookie shows as %q", form)
		}
	}
	if !strings.Contains(got, "[cookie]") {
		t.Error("nothing says that there is a cookie")
	}
	if c.Reveal() != s {
		t.Error("Reveal does not give the cookie")
	}
}

func TestCookieEqual(t *testing.T) {
	a := dist.NewCookie("a")
	if !a.Equal(dist.NewCookie("a")) || a.Equal(dist.NewCookie("b")) || a.Equal(dist.Cookie{}) || !(dist.Cookie{}).Equal(dist.NewCookie("")) {
		t.Error("Equal does not compare")
	}
}

func TestCookieFromFile(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		content, want string
		fails         bool
	}{
		{content: "abc", want: "abc"},
		{content: "abc\n", want: "abc"},
		{content: "abc\r\n", want: "abc"},
		{content: "abc\n\n", want: "abc\n"},
		{content: " abc ", want: " abc "},
		{content: "", fails: true},
		{content: "\n", fails: true},
		{content: strings.Repeat("x", 4000), fails: true},
	} {
		path := filepath.Join(dir, "cookie")
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := dist.CookieFromFile(path)
		if (err != nil) != tt.fails || got.Reveal() != tt.want {
			t.Errorf("file %.20q: got %q, %v", tt.content, got.Reveal(), err)
		}
		if err != nil && len(tt.content) > 100 && strings.Contains(err.Error(), "xxx") {
			t.Errorf("the file's content shows in %q", err)
		}
	}
	if _, err := dist.CookieFromFile(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
