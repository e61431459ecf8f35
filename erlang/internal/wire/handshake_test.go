package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The layouts of the protocol document, byte for byte, with digests as md5sum
// gives them.
func TestHandshakeBytes(t *testing.T) {
	name := Name{Flags: Mandatory25 | FlagNameMe, Name: "phial"}
	check(t, "send_name", AppendName(nil, name), "4e"+"0000000201070f94"+"00000000"+"0005"+"706869616c")
	status := Status{Word: StatusNamed, Name: "A@phial", Creation: 0x01020304}
	check(t, "status", AppendStatus(nil, status), "73"+"6e616d65643a"+"0007"+"4140706869616c"+"01020304")
	challenge := Challenge{Flags: Mandatory25, Challenge: 1, Creation: 2, Name: "a@127.0.0.1"}
	check(t, "challenge", AppendChallenge(nil, challenge),
		"4e"+"0000000001070f94"+"00000001"+"00000002"+"000b"+"61403132372e302e302e31")
	// md5("abc1") and md5("abc4294967295").
	check(t, "reply", AppendReply(nil, Reply{Challenge: 9, Digest: Digest("abc", 1)}),
		"72"+"00000009"+"23734cd52ad4a4fb877d8a1e26e5df5f")
	check(t, "ack", AppendAck(nil, Digest("abc", 1<<32-1)), "61"+"beec35cc2e8e170d9c45291c5c1eb475")
}

func check(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if h := hex.EncodeToString(got); h != want {
		t.Errorf("%s:\n got %s\nwant %s", what, h, want)
	}
}

func TestHandshakeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 255, 1020)
		u32 := rapid.Uint32()
		name := Name{Flags(rapid.Uint64().Draw(t, "flags")), u32.Draw(t, "creation"), text.Draw(t, "name")}
		// What follows a message's last field is to be ignored.
		extra := rapid.SliceOf(rapid.Byte()).Draw(t, "extra")
		if got, err := ParseName(append(AppendName(nil, name), extra...)); err != nil || got != name {
			t.Fatalf("name %+v: got %+v, %v", name, got, err)
		}
		ch := Challenge{name.Flags, u32.Draw(t, "challenge"), name.Creation, name.Name}
		if got, err := ParseChallenge(append(AppendChallenge(nil, ch), extra...)); err != nil || got != ch {
			t.Fatalf("challenge %+v: got %+v, %v", ch, got, err)
		}
		st := Status{StatusNamed, name.Name, name.Creation}
		if got, err := ParseStatus(append(AppendStatus(nil, st), extra...)); err != nil || got != st {
			t.Fatalf("status %+v: got %+v, %v", st, got, err)
		}
		r := Reply{ch.Challenge, Digest("c", ch.Challenge)}
		if got, err := ParseReply(AppendReply(nil, r)); err != nil || got != r {
			t.Fatalf("reply %+v: got %+v, %v", r, got, err)
		}
		if got, err := ParseAck(AppendAck(nil, r.Digest)); err != nil || got != r.Digest {
			t.Fatalf("ack: got %x, %v", got, err)
		}
	})
	for _, w := range []string{StatusOK, StatusOKSimultaneous, StatusNOK, StatusNotAllowed, StatusAlive, StatusTrue, StatusFalse} {
		if got, err := ParseStatus(AppendStatus(nil, Status{Word: w})); err != nil || got.Word != w {
			t.Errorf("status %s: got %+v, %v", w, got, err)
		}
	}
}

func TestHandshakeRefused(t *testing.T) {
	whole := map[string][]byte{
		"name":      AppendName(nil, Name{Name: "a@b"}),
		"challenge": AppendChallenge(nil, Challenge{Name: "a@b"}),
		"status":    AppendStatus(nil, Status{Word: StatusNamed, Name: "a@b"}),
		"reply":     AppendReply(nil, Reply{}),
		"ack":       AppendAck(nil, [16]byte{}),
	}
	parse := map[string]func([]byte) error{
		"name":      func(b []byte) error { _, err := ParseName(b); return err },
		"challenge": func(b []byte) error { _, err := ParseChallenge(b); return err },
		"status":    func(b []byte) error { _, err := ParseStatus(b); return err },
		"reply":     func(b []byte) error { _, err := ParseReply(b); return err },
		"ack":       func(b []byte) error { _, err := ParseAck(b); return err },
	}
	for what, b := range whole {
		for n := range b {
			if err := parse[what](b[:n]); err == nil {
				t.Errorf("%s: %d bytes of %d are taken for whole", what, n, len(b))
			}
		}
		if err := parse[what](append([]byte{'x'}, b[1:]...)); err == nil {
			t.Errorf("%s: another message is taken for one", what)
		}
	}
	for _, s := range []string{"s", "sOK", "sokay", "sok_simultaneous_", "snamed", "x"} {
		if st, err := ParseStatus([]byte(s)); err == nil {
			t.Errorf("status %q: got %+v", s, st)
		}
	}
	if _, err := ParseChallenge([]byte("n\x00\x05")); !errors.Is(err, ErrOldVersion) {
		t.Errorf("a challenge of version 5: %v", err)
	}
}

func TestFlags(t *testing.T) {
	if got := (Mandatory25 &^ FlagMapTag).Missing(Mandatory25); got != FlagMapTag {
		t.Errorf("missing %s, want MAP_TAG", got)
	}
	if got := FlagMandatory25Digest.Missing(Mandatory25); got != 0 {
		t.Errorf("the digest stands for all, but %s are missing", got)
	}
	for f, want := range map[Flags]string{
		0: "0x0", FlagPublished: "PUBLISHED", FlagSpawn | FlagPublished: "PUBLISHED|SPAWN", 1 << 60: "0x1000000000000000",
	} {
		if got := f.String(); got != want {
			t.Errorf("flags %#x are %q, want %q", uint64(f), got, want)
		}
	}
}

func TestPacket(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 200_000)
	for _, head := range []int{HandshakeHead, FrameHead} {
		b := body[:300*head*head] // 1,200 and 4,800 bytes
		r := bufio.NewReader(bytes.NewReader(append(AppendPacket(nil, head, b), AppendPacket(nil, head, nil)...)))
		var buf []byte
		for _, want := range [][]byte{b, {}} {
			got, err := ReadPacket(r, head, len(b), buf)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("head %d: got %d bytes, %v; want %d", head, len(got), err, len(want))
			}
			buf = got
		}
		if _, err := ReadPacket(r, head, len(b), buf); !errors.Is(err, io.EOF) {
			t.Errorf("head %d: at the end: %v", head, err)
		}
	}
	long := AppendPacket(nil, FrameHead, body)
	got, err := ReadPacket(bufio.NewReader(bytes.NewReader(long)), FrameHead, len(body), nil)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("long packet: %d bytes, %v", len(got), err)
	}
	for n := 1; n < len(long); n = n*3 + 1 {
		_, err := ReadPacket(bufio.NewReader(bytes.NewReader(long[:n])), FrameHead, len(body), nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes of %d: %v", n, len(long), err)
		}
	}
	_, err = ReadPacket(bufio.NewReader(strings.NewReader("SSH-2.0\r\n")), HandshakeHead, MaxHandshake, nil)
	var size *SizeError
	if !errors.As(err, &size) || cmp.Diff(size.Head, []byte("SS")) != "" || size.Size != 'S'<<8|'S' {
		t.Errorf("another protocol's greeting: %v", err)
	}
}

// A length alone costs next to nothing: memory follows what arrives.
func TestPacketMemory(t *testing.T) {
	announced := []byte{0x3f, 0xff, 0xff, 0xff} // 1 GiB
	r := bytes.NewReader(nil)
	br := bufio.NewReader(r)
	const rounds = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		r.Reset(announced)
		br.Reset(r)
		if _, err := ReadPacket(br, FrameHead, 1<<30, nil); err == nil {
			t.Fatal("a packet that is not there was read")
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / rounds; per > 1<<18 {
		t.Errorf("a length without a packet allocates %d bytes", per)
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add(AppendName(nil, Name{Flags: 1, Creation: 2, Name: "a@b"}))
	f.Add(AppendChallenge(nil, Challenge{Flags: 1, Challenge: 3, Creation: 2, Name: "a@b"}))
	f.Add(AppendStatus(nil, Status{Word: StatusNamed, Name: "a@b", Creation: 1}))
	f.Add(AppendStatus(nil, Status{Word: StatusOK}))
	f.Add(AppendReply(nil, Reply{}))
	f.Add(AppendAck(nil, [16]byte{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		// What is read is written as it was read, but for bytes that follow.
		if m, err := ParseName(b); err == nil && !bytes.HasPrefix(b, AppendName(nil, m)) {
			t.Errorf("name %+v is not what was read", m)
		}
		if m, err := ParseChallenge(b); err == nil && !bytes.HasPrefix(b, AppendChallenge(nil, m)) {
			t.Errorf("challenge %+v is not what was read", m)
		}
		if m, err := ParseStatus(b); err == nil && !bytes.HasPrefix(b, AppendStatus(nil, m)) {
			t.Errorf("status %+v is not what was read", m)
		}
		if m, err := ParseReply(b); err == nil && !bytes.Equal(b, AppendReply(nil, m)) {
			t.Errorf("reply %+v is not what was read", m)
		}
		if m, err := ParseAck(b); err == nil && !bytes.Equal(b, AppendAck(nil, m)) {
			t.Errorf("ack %x is not what was read", m)
		}
	})
}
