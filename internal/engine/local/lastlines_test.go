package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLastLines(t *testing.T) {
	long := strings.Repeat("x", 3*tailChunk+7)
	st := openState(t.TempDir(), "shop")
	c := &Client{st: st}
	if err := os.MkdirAll(filepath.Dir(st.logPath("shop-0")), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(suffix, text string) {
		t.Helper()
		if err := os.WriteFile(st.logPath("shop-0")+suffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, n int, lines ...string) {
		t.Helper()
		got, err := c.LastLines("shop-0", n)
		if diff := cmp.Diff(lines, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	if got, err := c.LastLines("shop-0", 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a log: %v, %v", got, err)
	}
	write("", "")
	want("empty", 3)
	write("", "\n \r\n\n")
	want("blank lines alone", 3)
	write("", "a\n\nb\r\n  c\n\n\n")
	want("blank lines between", 2, "b", "  c")
	want("fewer than asked for", 9, "a", "b", "  c")
	want("none", 0)
	write("", "a\nb\nhalf")
	want("an end without a newline", 2, "b", "half")
	write("", "a\n"+long+"\nz\n")
	want("a line over several chunks", 2, long, "z")
	want("and what is before it", 3, "a", long, "z")
	write(".1", "old\n\nolder part's end\n")
	write("", "new\n")
	want("begun anew", 2, "older part's end", "new")
}

// What a replica wrote last is there as soon as the engine says that it has
// ended, also behind the last newline.
func TestLastLinesOfACrash(t *testing.T) {
	a := up(t, Options{Dir: fakeRelease(t, "flop", "echo; echo one; echo; echo two; printf 'boom'; exit 1\n"), Replicas: 1, NoHTTP: true})
	eventually(t, "it has ended", func() error {
		if p := a.pod("flop-0"); p.Restarts == 0 {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	got, err := a.LastLines("flop-0", 2)
	if diff := cmp.Diff([]string{"two", "boom"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
