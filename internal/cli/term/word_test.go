package term

import (
	"os/exec"
	"testing"
)

// What a shell makes of a word is the text that it was made from.
func TestWord(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"apps/web", "apps/web"}, {"../shop-1.2_3", "../shop-1.2_3"}, {"büro", "büro"}, {"", "''"},
		{"my app", "'my app'"}, {"it's", `'it'\''s'`}, {"$HOME", "'$HOME'"}, {"~", "'~'"}, {"a\nb", "'a\nb'"}, {"!x^{a,b}*?[c]#;&|<>()`\\\"", "'!x^{a,b}*?[c]#;&|<>()`\\\"'"},
	} {
		got := Word(c.text)
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+got).Output()
		if err != nil || string(out) != c.text {
			t.Errorf("%s is %q to a shell, %v", got, out, err)
		}
	}
}
