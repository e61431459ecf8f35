package epmd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tags of the messages, from the protocol document. A request is preceded by its length in two bytes, an answer is not.
const (
	tagDump       = 'd' // DUMP_REQ
	tagKill       = 'k' // KILL_REQ
	tagNames      = 'n' // NAMES_REQ
	tagStop       = 's' // STOP_REQ
	tagAlive2X    = 118 // ALIVE2_X_RESP, to nodes whose highest version is 6 or more: 32 bits of creation
	tagPort2      = 119 // PORT2_RESP
	tagAlive2     = 120 // ALIVE2_REQ
	tagAlive2Resp = 121 // ALIVE2_RESP: 16 bits of creation
	tagPortPlease = 122 // PORT_PLEASE2_REQ
)

const (
	nodeNormal = 77 // NodeType of a visible node
	nodeHidden = 72 // NodeType of a hidden node

	maxNameRunes = 255              // characters in a name
	maxNameBytes = 4 * maxNameRunes // and its bytes in UTF-8, also the limit for extra bytes
	maxRequest   = 13 + 2*maxNameBytes
	maxListing   = 4 << 20 // bytes of a NAMES answer that a client takes

	versionX = 6 // highest distribution version from which ALIVE2_X_RESP is sent
)

// Entry is what a node tells EPMD about itself.
type Entry struct {
	Name    string // short name, the part before the @; at most 255 characters of UTF-8
	Port    uint16 // TCP port of the distribution listener
	Hidden  bool   // registered as a hidden node
	Highest uint16 // highest distribution version the node speaks; 6 since OTP 23
	Lowest  uint16 // lowest version; 5 before OTP 25, 6 since
	Extra   []byte // reserved by the protocol, empty in practice; at most 1020 bytes
}

var (
	errMalformed = errors.New("malformed message")
	errNameSize  = errors.New("a name has 1 to 255 characters")
	errNameText  = errors.New("a name is UTF-8 without control characters")
	errExtraSize = fmt.Errorf("extra bytes are at most %d", maxNameBytes)
)

// checkName refuses what the epmd program refuses, and control characters besides: a listing is made of lines, and a
// name with a line break in it would forge others.
func checkName(name string) error {
	if name == "" || len(name) > maxNameBytes || utf8.RuneCountInString(name) > maxNameRunes {
		return errNameSize
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return errNameText
	}
	return nil
}

func (e Entry) check() error {
	if err := checkName(e.Name); err != nil {
		return err
	}
	if len(e.Extra) > maxNameBytes {
		return errExtraSize
	}
	return nil
}

// appendEntry appends what ALIVE2_REQ and PORT2_RESP have in common: port, type, protocol, versions, name, extra.
func appendEntry(dst []byte, e Entry) []byte {
	dst = binary.BigEndian.AppendUint16(dst, e.Port)
	kind := byte(nodeNormal)
	if e.Hidden {
		kind = nodeHidden
	}
	dst = append(dst, kind, 0) // protocol 0: TCP over IPv4 or IPv6
	dst = binary.BigEndian.AppendUint16(dst, e.Highest)
	dst = binary.BigEndian.AppendUint16(dst, e.Lowest)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(e.Name)))
	dst = append(dst, e.Name...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(e.Extra)))
	return append(dst, e.Extra...)
}

// readEntry reads what appendEntry wrote. It takes no more than the lengths say and refuses lengths over the limits.
func readEntry(r io.Reader) (Entry, error) {
	var head [10]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Entry{}, err
	}
	e := Entry{
		Port:    binary.BigEndian.Uint16(head[0:]),
		Hidden:  head[2] == nodeHidden,
		Highest: binary.BigEndian.Uint16(head[4:]),
		Lowest:  binary.BigEndian.Uint16(head[6:]),
	}
	name, err := readSized(r, int(binary.BigEndian.Uint16(head[8:])))
	if err != nil {
		return Entry{}, err
	}
	e.Name = string(name)
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return Entry{}, unexpected(err)
	}
	e.Extra, err = readSized(r, int(binary.BigEndian.Uint16(size[:])))
	return e, err
}

func readSized(r io.Reader, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if n > maxNameBytes {
		return nil, errMalformed
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, unexpected(err)
}

// unexpected makes an end between two fields of one message what it is: unexpected.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// request is one message to EPMD, decoded.
type request struct {
	tag   byte
	name  string // PORT_PLEASE2, STOP
	entry Entry  // ALIVE2
}

// parseRequest decodes a request without its two length bytes. It refuses what gets no answer from the epmd program.
// Names are not fully checked here: what to answer to a bad one depends on the request.
func parseRequest(b []byte) (request, error) {
	if len(b) == 0 {
		return request{}, errMalformed
	}
	q := request{tag: b[0]}
	body := b[1:]
	switch q.tag {
	case tagNames, tagDump, tagKill:
	case tagPortPlease, tagStop:
		q.name = string(bytes.TrimSuffix(body, []byte{0})) // older nodes end the name with a zero
		if q.name == "" {
			return request{}, errMalformed
		}
	case tagAlive2:
		e, err := readEntry(bytes.NewReader(body))
		if err != nil || e.Name == "" || strings.Contains(e.Name, "\x00") {
			return request{}, errMalformed
		}
		q.entry = e
	default:
		return request{}, errMalformed
	}
	return q, nil
}

// appendRequest appends a request with its length.
func appendRequest(dst []byte, q request) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, q.tag)
	switch q.tag {
	case tagAlive2:
		dst = appendEntry(dst, q.entry)
	default:
		dst = append(dst, q.name...)
	}
	binary.BigEndian.PutUint16(dst[at:], uint16(len(dst)-at-2))
	return dst
}

// aliveResp is the answer to ALIVE2_REQ: the form with 32 bits of creation for nodes that know it.
func aliveResp(highest uint16, result byte, creation uint32) []byte {
	if highest >= versionX {
		return binary.BigEndian.AppendUint32([]byte{tagAlive2X, result}, creation)
	}
	return binary.BigEndian.AppendUint16([]byte{tagAlive2Resp, result}, uint16(creation))
}

// readAliveResp reads either form of the answer to ALIVE2_REQ.
func readAliveResp(r io.Reader) (result byte, creation uint32, err error) {
	var b [6]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return 0, 0, err
	}
	size := 4
	switch b[0] {
	case tagAlive2X:
		size = 6
	case tagAlive2Resp:
	default:
		return 0, 0, errMalformed
	}
	if _, err := io.ReadFull(r, b[1:size]); err != nil {
		return 0, 0, unexpected(err)
	}
	if size == 4 {
		return b[1], uint32(binary.BigEndian.Uint16(b[2:])), nil
	}
	return b[1], binary.BigEndian.Uint32(b[2:]), nil
}

// readPortResp reads PORT2_RESP. found is false where EPMD does not know the name.
func readPortResp(r io.Reader) (e Entry, found bool, err error) {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Entry{}, false, err
	}
	if b[0] != tagPort2 {
		return Entry{}, false, errMalformed
	}
	if b[1] != 0 {
		return Entry{}, false, nil
	}
	e, err = readEntry(r)
	if err == nil {
		err = checkName(e.Name)
	}
	return e, err == nil, unexpected(err)
}

// appendListing appends a NAMES answer: the port of EPMD itself, then a line for each entry. The text is parsed by OTP's
// erl_epmd, so it is fixed to the letter.
func appendListing(dst []byte, port uint16, entries []Registered) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(port))
	for _, e := range entries {
		dst = append(dst, "name "...)
		dst = append(dst, e.Name...)
		dst = append(dst, " at port "...)
		dst = strconv.AppendUint(dst, uint64(e.Port), 10)
		dst = append(dst, '\n')
	}
	return dst
}

// readListing reads a NAMES answer up to its end, which is the end of the connection.
func readListing(r io.Reader) ([]Entry, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxListing+1))
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, io.EOF
	}
	if len(b) < 4 || len(b) > maxListing {
		return nil, errMalformed
	}
	var entries []Entry
	for line := range strings.Lines(string(b[4:])) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "name ")
		at := strings.LastIndex(rest, " at port ")
		if !ok || at < 0 {
			return nil, errMalformed
		}
		port, err := strconv.ParseUint(rest[at+len(" at port "):], 10, 16)
		if err != nil || checkName(rest[:at]) != nil {
			return nil, errMalformed
		}
		entries = append(entries, Entry{Name: rest[:at], Port: uint16(port)})
	}
	return entries, nil
}
