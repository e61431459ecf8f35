package project

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestReadLock(t *testing.T) {
	at := func(line int) Pos { return Pos{"mix.lock", line, 3} }
	for name, c := range map[string]struct {
		src  string
		want []Locked
	}{
		"hex": {`%{
  "plug": {:hex, :plug, "1.15.3", "` + strings.Repeat("1", 64) + `", [:mix], [{:mime, "~> 1.0 or ~> 2.0", [hex: :mime, repo: "hexpm", optional: false]}, {:telemetry, "~> 1.0", [hex: :telemetry, repo: "hexpm", optional: true]}], "hexpm", "` + sum + `"},
  "secret_sauce": {:hex, :sauce, "0.1.0-rc.1", "", [:rebar3], [], "hexpm:acme", "` + sum + `"},
}`, []Locked{
			{Name: "plug", Kind: LockHex, At: at(2), Package: "plug", Version: "1.15.3", Repo: "hexpm", Checksum: sum},
			{Name: "secret_sauce", Kind: LockHex, At: at(3), Package: "sauce", Version: "0.1.0-rc.1", Repo: "hexpm:acme", Checksum: sum},
		}},
		"git": {`%{
  "swoosh": {:git, "https://github.com/swoosh/swoosh.git", "abc123", [branch: "main"]},
  "part": {:git, "git@example.com:x/y.git", "def456", [tag: "v1", subdir: "apps/part"]},
  "thin": {:git, "https://example.com/z.git", "0a", [sparse: "thin"]},
}`, []Locked{
			{Name: "swoosh", Kind: LockGit, At: at(2), URL: "https://github.com/swoosh/swoosh.git", Commit: "abc123"},
			{Name: "part", Kind: LockGit, At: at(3), URL: "git@example.com:x/y.git", Commit: "def456", Subdir: "apps/part"},
			{Name: "thin", Kind: LockGit, At: at(4), URL: "https://example.com/z.git", Commit: "0a", Subdir: "thin"},
		}},
		"older": {`%{
  "a": {:hex, :a, "1.0.0"},
  "b": {:hex, :b, "1.0.0", "x", [:mix], [], "hexpm"}}`, []Locked{
			{Name: "a", Kind: LockHex, At: at(2), Package: "a", Version: "1.0.0"},
			{Name: "b", Kind: LockHex, At: at(3), Package: "b", Version: "1.0.0", Repo: "hexpm"},
		}},
		"what is not known": {`%{
  "svn": {:svn, "https://example.com", "12"},
  "odd": {:hex, name(), @version, [], {}, "x" <> "y", :hexpm},
  "none": nil,
  bare: {:hex, :bare, "2.0.0"}`, []Locked{
			{Name: "svn", At: at(2)},
			{Name: "odd", Kind: LockHex, At: at(3)},
			{Name: "none", At: at(4)},
			{Name: "bare", Kind: LockHex, At: at(5), Package: "bare", Version: "2.0.0"},
		}},
		"empty": {"%{}\n", nil},
	} {
		if d := cmp.Diff(c.want, ReadLock(c.src)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// Real locks are long: the bound on what is read of other files does not cut them.
func TestReadLongLock(t *testing.T) {
	var b strings.Builder
	b.WriteString("%{\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "  \"p%d\": {:hex, :p%d, \"1.0.%d\", \"\", [:mix], [%s], \"hexpm\", \"%s\"},\n", i, i, i,
			strings.Repeat(`{:a, "~> 1.0", [hex: :a, repo: "hexpm", optional: false]}, `, 6), sum)
	}
	b.WriteString("}\n")
	all := ReadLock(b.String())
	if len(all) != 3000 || all[2999].Version != "1.0.2999" || all[2999].Checksum != sum {
		t.Errorf("%d entries, the last is %+v", len(all), all[len(all)-1])
	}
}

func FuzzReadLock(f *testing.F) {
	f.Add(`%{"a": {:hex, :a, "1", "x", [:mix], [{:b, "~> 1", [hex: :b]}], "hexpm", "y"}, "c": {:git, "u", "1", [branch: "m"]}}`)
	f.Add(`%{"a": {:git, [subdir: `)
	f.Add(`}}"a": {`)
	f.Fuzz(func(t *testing.T, src string) {
		lines := strings.Split(src, "\n")
		for _, l := range ReadLock(src) {
			if l.At.Line > len(lines) || l.At.Col > len(lines[l.At.Line-1])+1 {
				t.Errorf("%q at %s, which is not there", l.Name, l.At)
			}
			for _, part := range []string{l.Package, l.Version, l.Repo, l.Checksum, l.URL, l.Commit} {
				if len(part) > len(src) {
					t.Errorf("%+v is longer than %q", l, src)
				}
			}
		}
	})
}
