package peers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestNewKey(t *testing.T) {
	const long = "0123456789abcdef"
	for _, c := range []struct{ in, same, refused string }{
		{in: long, same: long},
		{in: long + "\n", same: long},
		{in: long + "\r\n", same: long},
		{in: long + "\n\n", same: long + "\n"}, // one newline, and no more
		{in: long[1:] + "\n", refused: "15 bytes"},
		{in: "\n", refused: "0 bytes"},
		{in: "", refused: "at least 16"},
	} {
		key, err := NewKey([]byte(c.in))
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) || !key.IsZero() {
				t.Errorf("%q: %v", c.in, err)
			}
			continue
		}
		same, _ := NewKey([]byte(c.same + "\n"))
		if err != nil || !key.Equal(same) {
			t.Errorf("%q is not the key %q: %v", c.in, c.same, err)
		}
	}
	if testKey(t, 1).Equal(testKey(t, 2)) || (Key{}).Equal(testKey(t, 1)) || testKey(t, 1).Equal(Key{}) {
		t.Error("different keys are equal")
	}
}

// Two agents of one version, and of two, derive the same identity: this one may not
// change without a new number in what it is derived by.
func TestIdentityStays(t *testing.T) {
	key, err := NewKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "efdc4cb05ee9e7a5896bcb2621c7394460aca54df6d7a81dc19c42ccccc95843"
	if got := hex.EncodeToString(key.identity().public()); got != want {
		t.Errorf("public key %s, want %s", got, want)
	}
}

func TestGreeting(t *testing.T) {
	one, two := testKey(t, 1).identity(), testKey(t, 2).identity()
	hello := one.greet()
	if !one.greeted(hello) || two.greeted(hello) {
		t.Error("a greeting is known by its key and no other")
	}
	if hello == one.greet() {
		t.Error("greetings repeat themselves")
	}
	for _, text := range []string{"", "h2", greetingMark, hello[1:], hello + "00", hello[:len(hello)-2],
		greetingMark + strings.Repeat("z", len(hello)-len(greetingMark)), hello[:len(hello)-1] + "x"} {
		if one.greeted(text) {
			t.Errorf("%q passes for a greeting", text)
		}
	}
}

func TestKeys(t *testing.T) {
	var keys Keys
	one, two, three := testKey(t, 1), testKey(t, 2), testKey(t, 3)
	known := func(want ...Key) {
		t.Helper()
		got := keys.known()
		if len(got) != len(want) {
			t.Fatalf("%d keys are known, want %d", len(got), len(want))
		}
		for i, id := range got {
			if !id.is(want[i].identity().public()) {
				t.Errorf("key %d is another", i)
			}
		}
	}
	known()
	for _, step := range []struct {
		set     Key
		changed bool
		want    []Key
	}{
		{one, true, []Key{one}},
		{one, false, []Key{one}},
		{Key{}, false, []Key{one}},
		{two, true, []Key{two, one}},
		{two, false, []Key{two, one}},
		{one, true, []Key{one, two}}, // and back
		{three, true, []Key{three, one}},
	} {
		if got := keys.Set(step.set); got != step.changed {
			t.Errorf("changed %v, want %v", got, step.changed)
		}
		known(step.want...)
	}
	if keys.find(two.identity().public()) != nil || keys.find(nil) != nil || keys.find(one.identity().public()) == nil {
		t.Error("find")
	}
	keys.Forget()
	known(three)
}

func TestLoad(t *testing.T) {
	var keys Keys
	path := filepath.Join(t.TempDir(), "key")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		content string
		changed bool
		err     string
	}{
		{testSecret, true, ""},
		{testSecret + "\n", false, ""},
		{"short", false, path},
		{strings.Repeat(testSecret, 200), false, "more than 4096 bytes"},
		{strings.Repeat("x", maxKeyFile), true, ""},
	} {
		write(c.content)
		changed, err := keys.Load(path)
		if changed != c.changed || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.20q: %v, %v", c.content, changed, err)
		}
		if err != nil && strings.Contains(err.Error(), testSecret) {
			t.Error("the error shows the key")
		}
	}
	if _, err := keys.Load(path + "-none"); err == nil || len(keys.known()) != 2 {
		t.Errorf("no file: %v", err)
	}
}

func TestKeysFromManySides(t *testing.T) {
	keys := holds(t, 1)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for range 50 {
				keys.Set(testKey(t, n))
				keys.greeted([]string{"x", testKey(t, n).identity().greet()})
				keys.find(testKey(t, n).identity().public())
				keys.Forget()
			}
		})
	}
	all.Wait()
}

func TestKeyNeverShows(t *testing.T) {
	key := testKey(t, 7)
	keys := holds(t, 7, 8)
	var secrets []string
	for _, b := range [][]byte{[]byte(testSecret), key.identity().private.Seed(), key.identity().greeting} {
		secrets = append(secrets, string(b), hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b), fmt.Sprintf("%d", b))
	}
	s := NewServer(keys, echoes, nil)
	defer s.Close()
	c := NewClient(keys, 1, nil)
	defer c.Close()
	type inside struct {
		Key Key
		key Key
		p   *Key
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	text := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{key, &key, keys, inside{key, key, &key}, &inside{key, key, &key}, []Key{key}, map[string]Key{"k": key}, s, c} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		log.Info("x", "v", v)
		text.Info("x", "v", v)
	}
	for _, secret := range secrets {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(secret)) {
			t.Errorf("%q shows", secret)
		}
	}
	if b, _ := json.Marshal(key); string(b) != `"[agent key]"` || fmt.Sprintf("%x %s %#v", key, key, key) != "[agent key] [agent key] [agent key]" {
		t.Errorf("shows as %s", b)
	}
}
