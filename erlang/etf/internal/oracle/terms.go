package oracle

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
)

//go:embed terms.erl
var termsSource string

// Terms asks a BEAM about terms.
type Terms struct{ beam *BEAM }

// StartTerms runs the command erl as [Start] does.
func StartTerms(ctx context.Context, erl []string) (*Terms, error) {
	b, err := Start(ctx, erl, termsSource)
	if err != nil {
		return nil, err
	}
	return &Terms{beam: b}, nil
}

// Close ends the BEAM and waits for it.
func (t *Terms) Close() error { return t.beam.Close() }

// Release is the OTP release, such as "25".
func (t *Terms) Release() (string, error) {
	b, err := t.beam.Call([]byte("release"))
	return string(b), err
}

// Eval evaluates an Erlang expression and keeps its value for Encode and Same.
func (t *Terms) Eval(expr string) error {
	_, err := t.beam.Call([]byte("eval "), []byte(expr))
	return err
}

// Encode gives the kept value as term_to_binary/2 writes it with the options, an Erlang expression.
func (t *Terms) Encode(options string) ([]byte, error) {
	return t.beam.Call([]byte("encode "), []byte(options))
}

// Same is nil if b is the kept value (=:=).
func (t *Terms) Same(b []byte) error {
	_, err := t.beam.Call([]byte("same "), b)
	return err
}

// Read gives the number of bytes that the term at the start of b takes, and the term as
// term_to_binary/1 writes it. The error is a [Complaint] if binary_to_term refuses b.
func (t *Terms) Read(b []byte) (used int, again []byte, err error) {
	r, err := t.beam.Call([]byte("read "), b)
	if err != nil {
		return 0, nil, err
	}
	if len(r) < 4 {
		return 0, nil, errors.New("oracle: short answer")
	}
	return int(binary.BigEndian.Uint32(r)), r[4:], nil
}

// Equal says whether a and b are the same term (=:=).
func (t *Terms) Equal(a, b []byte) (bool, error) {
	n := binary.BigEndian.AppendUint32(nil, uint32(len(a)))
	r, err := t.beam.Call([]byte("equal "), n, a, b)
	return string(r) == "true", err
}
