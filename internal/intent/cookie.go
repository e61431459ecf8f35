package intent

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// cookie stands for where a replica's cookie comes from. With an agent it is the Secret's.
func (b *builder) cookie(w Runs, env, vars environment, flags flagWords) mesh.Cookie {
	if given, twice := cookieOf(flags.all()); twice {
		return b.ownCookie(w, vars, given)
	}
	v, set := vars.vars[beam.EnvReleaseCookie]
	before, given := env.vars[beam.EnvReleaseCookie]
	switch {
	case !set && vars.rest != "":
		return mesh.Cookie{}
	case !set:
		image := w.Container.Key("image")
		from := fmt.Sprintf("the build of %s (%s)", cmp.Or(image.String(), "its image"), image.Position())
		if b.app.Cookie {
			from = "mix.exs"
		}
		return mesh.Cookie{From: from}
	case v.Known():
		return mesh.Cookie{ID: b.literal(v.Value), From: v.From}
	case b.makesUp() != "":
		return mesh.Cookie{From: v.From, Slip: mesh.MadeUpCookie, Own: "the start script makes one up (" + b.makesUp() + "), another at each start"}
	case given && !before.Known():
		c := mesh.Cookie{From: before.Why} // the same key of the same Secret is the same cookie
		if whole := b.around(&c, vars.cookie); whole && v.Why == before.Why {
			c.ID = b.held[before.Why]
		}
		return c
	}
	return mesh.Cookie{From: v.Why}
}

// madeUp is a line that sets the cookie to what is another at each call.
var madeUp = regexp.MustCompile("(?m)^(?:export )?RELEASE_COOKIE=[\"']?(?:\\$\\(|`)(openssl rand|uuidgen|pwgen|cat /proc/sys/kernel/random/uuid|(?:head|tr|dd|od|base64|hexdump|xxd) [^\n]*/dev/u?random)[^\n;&]*$")

// makesUp is what the start script makes the cookie up by; empty: it does not, or perhaps not always.
func (b *builder) makesUp() string {
	text := string(b.app.EnvSh.Text)
	m := madeUp.FindStringSubmatch(text)
	if m == nil || strings.Contains(m[0], "||") || strings.Count(text, "RELEASE_COOKIE") > 1 {
		return ""
	}
	return m[1]
}

// ownCookie is what comes of a -setcookie beside the start script's own. OTP 25 to 29 take
// neither of two, and read a file in the home directory, or make one.
func (b *builder) ownCookie(w Runs, vars environment, given word) mesh.Cookie {
	if b.app.CookieFile || strings.Contains(string(b.app.EnvSh.Text)+b.scripts, "erlang.cookie") || mountsCookie(w, vars) {
		return mesh.Cookie{}
	}
	return mesh.Cookie{From: given.from, Slip: mesh.SecondCookie, Own: "-setcookie is given twice, by the start script and beside it, so the BEAM takes neither, and each container makes up a cookie of its own, where it can write one"}
}

// cookieOf is the first -setcookie with one value. With two, of which the first is a node,
// it leaves the node's own cookie as it is.
func cookieOf(words []word) (word, bool) {
	for i, w := range words {
		if w.text != "-setcookie" {
			continue
		}
		if all := values(words[i+1:]); len(all) == 1 {
			return all[0], true
		}
	}
	return word{}, false
}

// home is where the home directory of whom a release runs as may be.
var home = regexp.MustCompile(`^/(root|app|nonexistent|home(/[^/]+)?|opt(/[^/]+)?)/?$`)

// mountsCookie says whether a volume may bring the file that a cookie is read from.
func mountsCookie(w Runs, vars environment) bool {
	own, set := vars.get("HOME")
	for m := range w.Container.Key("volumeMounts").Items() {
		at := m.Key("mountPath").String()
		if strings.Contains(at+m.Key("subPath").String(), "cookie") || home.MatchString(at) || set && own.Known() && own.Value == at {
			return true
		}
	}
	return false
}

// around notes what rel/env.sh puts around the cookie that it was given. Whole says that it
// leaves it as it is.
func (b *builder) around(c *mesh.Cookie, parts []envsh.Part) (whole bool) {
	gaps, before, after := 0, "", ""
	for _, p := range parts {
		switch {
		case p.Unknown != "":
			gaps++
		case gaps == 0:
			before += p.Text
		default:
			after += p.Text
		}
	}
	if gaps == 1 && before+after != "" {
		c.Before, c.After = len(before), len(after)
		c.Around = b.literal(before + "\x00" + after)
	}
	return gaps <= 1 && before+after == ""
}

// literal stands for a text: the same for the same one. What is kept is its digest under a
// key that nobody knows and that ends with the run.
func (b *builder) literal(text string) string {
	if b.key == nil {
		b.key, b.literals = make([]byte, sha256.Size), map[string]int{}
		_, _ = rand.Read(b.key) // never fails
	}
	h := hmac.New(sha256.New, b.key)
	h.Write([]byte(text))
	sum := string(h.Sum(nil))
	if _, ok := b.literals[sum]; !ok {
		b.literals[sum] = len(b.literals) + 1
	}
	return fmt.Sprintf("literal %d", b.literals[sum])
}

// standIn is a value that somebody or something puts another in the place of.
var standIn = regexp.MustCompile(`(?i)^(<.*>|change.*|replace.*|x+|todo.*|your.*|example.*|\.+|\*+|redacted|dummy|placeholder|secret)?$|[$<>]|\{\{|^ENC\[|^(ref\+|vault:|op://)`)

// hold notes what a Secret that was read has for a key, by how that is called.
func (b *builder) hold(called string, o *manifest.Object, key string) {
	if o == nil {
		return
	}
	text := o.At("stringData").Key(key).String()
	if text == "" {
		var err error
		if text, err = manifest.Decoded(o.At("data").Key(key)); err != nil {
			return
		}
	}
	if standIn.MatchString(text) {
		return
	}
	if b.held == nil {
		b.held = map[string]string{}
	}
	b.held[called] = b.literal(text)
}
