package epmd

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The bytes are written out by hand from the protocol document, so that encoder and decoder can't agree on a mistake.
var (
	shop      = Entry{Name: "shop", Port: 9100, Highest: 6, Lowest: 6}
	shopAlive = []byte("\x00\x11" + "x" + "\x23\x8c" + "M\x00" + "\x00\x06\x00\x06" + "\x00\x04shop" + "\x00\x00")
	shopPort  = []byte("\x77\x00" + "\x23\x8c" + "M\x00" + "\x00\x06\x00\x06" + "\x00\x04shop" + "\x00\x00")
)

func TestRequests(t *testing.T) {
	extra := Entry{Name: "é", Port: 1, Hidden: true, Highest: 5, Lowest: 1, Extra: []byte{0, 255}}
	for name, c := range map[string]struct {
		q request
		b string
	}{
		"names":       {request{tag: tagNames}, "\x00\x01n"},
		"kill":        {request{tag: tagKill}, "\x00\x01k"},
		"dump":        {request{tag: tagDump}, "\x00\x01d"},
		"stop":        {request{tag: tagStop, name: "a"}, "\x00\x02sa"},
		"port":        {request{tag: tagPortPlease, name: "shop"}, "\x00\x05zshop"},
		"alive":       {request{tag: tagAlive2, entry: shop}, string(shopAlive)},
		"alive extra": {request{tag: tagAlive2, entry: extra}, "\x00\x11x\x00\x01H\x00\x00\x05\x00\x01\x00\x02é\x00\x02\x00\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := appendRequest([]byte("-"), c.q); string(got) != "-"+c.b {
				t.Errorf("encoded %q, want %q", got[1:], c.b)
			}
			got, err := parseRequest([]byte(c.b[2:]))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.q, got, cmp.AllowUnexported(request{})); d != "" {
				t.Errorf("decoded (-want +got):\n%s", d)
			}
		})
	}
}

func TestRequestsRefused(t *testing.T) {
	for name, b := range map[string]string{
		"empty":            "",
		"unknown":          "?",
		"old alive":        "a\x00\x01name",
		"port of nothing":  "z",
		"port of a zero":   "z\x00",
		"alive too short":  string(shopAlive[2:14]),
		"alive name long":  "x\x00\x01M\x00\x00\x06\x00\x06\x00\x05shop\x00\x00",
		"alive name huge":  "x\x00\x01M\x00\x00\x06\x00\x06\xff\xffshop\x00\x00",
		"alive extra long": "x\x00\x01M\x00\x00\x06\x00\x06\x00\x04shop\x00\x01",
	} {
		if q, err := parseRequest([]byte(b)); !errors.Is(err, errMalformed) {
			t.Errorf("%s: got %+v, %v, want it refused", name, q, err)
		}
	}
	if q, err := parseRequest([]byte("zshop\x00")); err != nil || q.name != "shop" {
		t.Errorf("a name with a zero behind it: got %+v, %v, want shop", q, err)
	}
}

func TestPortResp(t *testing.T) {
	e, found, err := readPortResp(bytes.NewReader(shopPort))
	if err != nil || !found {
		t.Fatalf("found %v, error %v", found, err)
	}
	if d := cmp.Diff(shop, e); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := appendEntry([]byte{tagPort2, 0}, shop); !bytes.Equal(got, shopPort) {
		t.Errorf("encoded %q, want %q", got, shopPort)
	}
	if _, found, err := readPortResp(strings.NewReader("\x77\x01")); found || err != nil {
		t.Errorf("an unknown name: found %v, error %v", found, err)
	}
	for n := range shopPort { // every cut is noticed
		if _, found, err := readPortResp(bytes.NewReader(shopPort[:n])); found || err == nil {
			t.Errorf("cut to %d bytes: found %v, error %v", n, found, err)
		}
	}
	if _, _, err := readPortResp(strings.NewReader("HTTP/1.1 400 Bad Request\r\n")); !errors.Is(err, errMalformed) {
		t.Errorf("HTTP: error %v, want %v", err, errMalformed)
	}
}

func TestAliveResp(t *testing.T) {
	for _, c := range []struct {
		highest  uint16
		creation uint32
		b        string
	}{
		{6, 0xfedcba98, "\x76\x00\xfe\xdc\xba\x98"},
		{7, 4, "\x76\x00\x00\x00\x00\x04"},
		{5, 3, "\x79\x00\x00\x03"},
	} {
		if got := aliveResp(c.highest, 0, c.creation); string(got) != c.b {
			t.Errorf("version %d: encoded %q, want %q", c.highest, got, c.b)
		}
		result, creation, err := readAliveResp(strings.NewReader(c.b))
		if err != nil || result != 0 || creation != c.creation {
			t.Errorf("%q: result %d, creation %d, error %v", c.b, result, creation, err)
		}
	}
	if _, _, err := readAliveResp(strings.NewReader("\x76\x00\x00")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: error %v", err)
	}
}

func TestListing(t *testing.T) {
	in := []Registered{{Entry: Entry{Name: "shop", Port: 9100}}, {Entry: Entry{Name: "x at port 7", Port: 65535}}}
	b := appendListing(nil, 4369, in)
	if want := "\x00\x00\x11\x11name shop at port 9100\nname x at port 7 at port 65535\n"; string(b) != want {
		t.Errorf("encoded %q, want %q", b, want)
	}
	got, err := readListing(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Entry{in[0].Entry, in[1].Entry}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for name, b := range map[string]string{
		"short":       "\x00\x00",
		"other":       "220 mail ready\r\n",
		"port":        "\x00\x00\x11\x11name shop at port 65536\n",
		"no port":     "\x00\x00\x11\x11name shop\n",
		"no name":     "\x00\x00\x11\x11name  at port 1\n",
		"other words": "\x00\x00\x11\x11nom shop at port 1\n",
	} {
		if got, err := readListing(strings.NewReader(b)); !errors.Is(err, errMalformed) {
			t.Errorf("%s: got %v, %v, want it refused", name, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("é", 255)
	for name, want := range map[string]error{
		"a": nil, long: nil, long + "e": errNameSize, "": errNameSize,
		"a\x00b": errNameText, "a\nb": errNameText, "\xff": errNameText,
		strings.Repeat("\U0001f347", 255): nil, // 1020 bytes, the most there can be
	} {
		if err := checkName(name); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", name, err, want)
		}
	}
}

// Entries survive the way through either message, whatever is in them.
func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{
			Name:    rapid.StringMatching(`[a-zé_]{1,255}`).Draw(t, "name"),
			Port:    rapid.Uint16().Draw(t, "port"),
			Hidden:  rapid.Bool().Draw(t, "hidden"),
			Highest: rapid.Uint16().Draw(t, "highest"),
			Lowest:  rapid.Uint16().Draw(t, "lowest"),
			Extra:   rapid.SliceOfN(rapid.Byte(), 1, maxNameBytes).Draw(t, "extra"),
		}
		q, err := parseRequest(appendRequest(nil, request{tag: tagAlive2, entry: e})[2:])
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, q.entry); d != "" {
			t.Fatalf("request (-want +got):\n%s", d)
		}
		got, found, err := readPortResp(bytes.NewReader(appendEntry([]byte{tagPort2, 0}, e)))
		if err != nil || !found {
			t.Fatalf("found %v, error %v", found, err)
		}
		if d := cmp.Diff(e, got); d != "" {
			t.Fatalf("answer (-want +got):\n%s", d)
		}
	})
}

// Whatever is taken for a request says the same when it is written again.
func FuzzRequest(f *testing.F) {
	f.Add(shopAlive[2:])
	f.Add([]byte("n"))
	f.Add([]byte("zshop\x00"))
	f.Add([]byte("x\x00\x01M\x00\x00\x06\x00\x06\xff\xffshop\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parseRequest(b)
		if err != nil {
			return
		}
		again, err := parseRequest(appendRequest(nil, q)[2:])
		if q.name != strings.TrimSuffix(q.name, "\x00") { // two zeros at the end: one is lost each time
			return
		}
		if err != nil {
			t.Fatalf("%+v can't be read again: %v", q, err)
		}
		// The protocol byte and the type are read leniently, so the values are compared, not the bytes.
		if d := cmp.Diff(q, again, cmp.AllowUnexported(request{})); d != "" {
			t.Fatalf("(-first +again):\n%s", d)
		}
	})
}

// No answer makes a client panic, or believe in an entry that EPMD couldn't hold.
func FuzzAnswer(f *testing.F) {
	f.Add(shopPort)
	f.Add([]byte("\x77\x01"))
	f.Add([]byte("\x76\x00\x00\x00\x00\x04"))
	f.Add([]byte("\x79\x00\x00\x03"))
	f.Add([]byte("\x00\x00\x11\x11name shop at port 9100\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, found, err := readPortResp(bytes.NewReader(b))
		if found && (err != nil || e.check() != nil) {
			t.Errorf("port answer: %+v with error %v", e, err)
		}
		entries, err := readListing(bytes.NewReader(b))
		for _, e := range entries {
			if err != nil || e.check() != nil {
				t.Errorf("listing: %+v with error %v", e, err)
			}
		}
		if result, creation, err := readAliveResp(bytes.NewReader(b)); err == nil {
			highest := uint16(5)
			if b[0] == tagAlive2X {
				highest = 6
			}
			if again := aliveResp(highest, result, creation); !bytes.HasPrefix(b, again) {
				t.Errorf("alive answer %q was read as %q", b, again)
			}
		}
	})
}
