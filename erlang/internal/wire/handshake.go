package wire

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// Tags of the handshake's messages.
const (
	tagName   = 'N' // send_name and challenge, version 6
	tagOld    = 'n' // the same of version 5, dropped in OTP 25
	tagStatus = 's'
	tagReply  = 'r'
	tagAck    = 'a'
)

// ErrOldVersion is given for a message of handshake version 5, which OTP 25 and
// later do not speak.
var ErrOldVersion = errors.New("handshake version 5")

// Name is the first message of the side that connects ('N', send_name). With
// FlagNameMe the Name is only a host part, and the other side gives the name.
type Name struct {
	Flags    Flags
	Creation uint32
	Name     string
}

// AppendName appends m without a packet length.
func AppendName(dst []byte, m Name) []byte {
	dst = append(dst, tagName)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Flags))
	dst = binary.BigEndian.AppendUint32(dst, m.Creation)
	return appendText(dst, m.Name)
}

// ParseName reads what AppendName writes. Bytes behind the name are ignored, as
// the protocol demands.
func ParseName(b []byte) (Name, error) {
	r, err := open(b, "send_name")
	if err != nil {
		return Name{}, err
	}
	m := Name{Flags: Flags(r.u64()), Creation: r.u32(), Name: r.text()}
	return m, r.done()
}

// Status is the answer to a Name. Word is one of "ok", "ok_simultaneous", "nok",
// "not_allowed", "alive" and "named:", or, from the side that connects in answer
// to "alive", "true" or "false". Name and Creation come with "named:" only.
type Status struct {
	Word     string
	Name     string
	Creation uint32
}

// The words of a Status.
const (
	StatusOK             = "ok"
	StatusOKSimultaneous = "ok_simultaneous"
	StatusNOK            = "nok"
	StatusNotAllowed     = "not_allowed"
	StatusAlive          = "alive"
	StatusNamed          = "named:"
	StatusTrue           = "true"
	StatusFalse          = "false"
)

// AppendStatus appends m without a packet length.
func AppendStatus(dst []byte, m Status) []byte {
	dst = append(dst, tagStatus)
	dst = append(dst, m.Word...)
	if m.Word == StatusNamed {
		dst = appendText(dst, m.Name)
		dst = binary.BigEndian.AppendUint32(dst, m.Creation)
	}
	return dst
}

// ParseStatus reads a status message; a word that the protocol does not know is
// an error.
func ParseStatus(b []byte) (Status, error) {
	if len(b) == 0 || b[0] != tagStatus {
		return Status{}, fmt.Errorf("status: not a status message: %s", excerpt(b))
	}
	word := string(b[1:min(len(b), 1+len(StatusOKSimultaneous)+1)])
	switch word {
	case StatusOK, StatusOKSimultaneous, StatusNOK, StatusNotAllowed, StatusAlive, StatusTrue, StatusFalse:
		return Status{Word: word}, nil
	}
	if len(word) < len(StatusNamed) || word[:len(StatusNamed)] != StatusNamed {
		return Status{}, fmt.Errorf("status: unknown status %s", excerpt(b[1:]))
	}
	r := cursor{b: b[1+len(StatusNamed):], what: "status named:"}
	m := Status{Word: StatusNamed, Name: r.text(), Creation: r.u32()}
	return m, r.done()
}

// Challenge is sent by the side that accepts: what Name says, of itself, and a
// random number for the other side to answer.
type Challenge struct {
	Flags     Flags
	Challenge uint32
	Creation  uint32
	Name      string
}

// AppendChallenge appends m without a packet length.
func AppendChallenge(dst []byte, m Challenge) []byte {
	dst = append(dst, tagName)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Flags))
	dst = binary.BigEndian.AppendUint32(dst, m.Challenge)
	dst = binary.BigEndian.AppendUint32(dst, m.Creation)
	return appendText(dst, m.Name)
}

// ParseChallenge reads what AppendChallenge writes. Bytes behind the name are
// ignored, as the protocol demands. It gives ErrOldVersion for a challenge of
// version 5.
func ParseChallenge(b []byte) (Challenge, error) {
	r, err := open(b, "challenge")
	if err != nil {
		return Challenge{}, err
	}
	m := Challenge{Flags: Flags(r.u64()), Challenge: r.u32(), Creation: r.u32(), Name: r.text()}
	return m, r.done()
}

// Reply answers a Challenge and sets one for the side that accepts.
type Reply struct {
	Challenge uint32
	Digest    [md5.Size]byte
}

// AppendReply appends m without a packet length.
func AppendReply(dst []byte, m Reply) []byte {
	dst = append(dst, tagReply)
	dst = binary.BigEndian.AppendUint32(dst, m.Challenge)
	return append(dst, m.Digest[:]...)
}

// ParseReply reads what AppendReply writes.
func ParseReply(b []byte) (Reply, error) {
	var m Reply
	if len(b) != 1+4+len(m.Digest) || b[0] != tagReply {
		return m, fmt.Errorf("challenge_reply: malformed: %s", excerpt(b))
	}
	m.Challenge = binary.BigEndian.Uint32(b[1:])
	copy(m.Digest[:], b[5:])
	return m, nil
}

// AppendAck appends the last message of the handshake, the answer to a Reply's
// challenge.
func AppendAck(dst []byte, digest [md5.Size]byte) []byte {
	return append(append(dst, tagAck), digest[:]...)
}

// ParseAck reads what AppendAck writes.
func ParseAck(b []byte) ([md5.Size]byte, error) {
	var d [md5.Size]byte
	if len(b) != 1+len(d) || b[0] != tagAck {
		return d, fmt.Errorf("challenge_ack: malformed: %s", excerpt(b))
	}
	copy(d[:], b[1:])
	return d, nil
}

// Digest is the answer to a challenge: MD5 over the cookie and the challenge in
// decimal.
func Digest(cookie string, challenge uint32) [md5.Size]byte {
	b := make([]byte, 0, len(cookie)+10)
	b = append(b, cookie...)
	b = strconv.AppendUint(b, uint64(challenge), 10)
	return md5.Sum(b)
}

func open(b []byte, what string) (cursor, error) {
	switch {
	case len(b) > 0 && b[0] == tagName:
		return cursor{b: b[1:], what: what}, nil
	case len(b) > 0 && b[0] == tagOld:
		return cursor{}, ErrOldVersion
	}
	return cursor{}, fmt.Errorf("%s: malformed: %s", what, excerpt(b))
}

func appendText(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// excerpt shows the start of bytes that were not understood.
func excerpt(b []byte) string {
	const most = 16
	if len(b) > most {
		return fmt.Sprintf("%q...", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
