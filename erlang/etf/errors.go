package etf

import (
	"errors"
	"strconv"
)

// What is wrong with an input, for errors.Is on what decoding and encoding return.
var (
	// ErrTruncated: the bytes end inside the term, or a header claims more elements than there are bytes.
	ErrTruncated = errors.New("truncated")
	// ErrVersion: the first byte is not 131.
	ErrVersion = errors.New("not version 131")
	// ErrTag: a tag that the format does not have, or that this package refuses (FUN_EXT, LOCAL_EXT).
	ErrTag = errors.New("tag not supported")
	// ErrMalformed: a part of a term that no BEAM accepts.
	ErrMalformed = errors.New("malformed")
	// ErrTrailing: bytes behind the term.
	ErrTrailing = errors.New("bytes behind the term")
	// ErrDepth: nested deeper than Decoder.MaxDepth.
	ErrDepth = errors.New("nested too deep")
	// ErrTerms: more terms than Decoder.MaxTerms.
	ErrTerms = errors.New("too many terms")
	// ErrSize: larger than Decoder.MaxSize.
	ErrSize = errors.New("too large")
	// ErrValue: a Go value that stands for no Erlang term.
	ErrValue = errors.New("value not supported")
)

var (
	errAtomLong = errors.New("atom of more than 255 characters")
	errAtomUTF8 = errors.New("atom that is not valid UTF-8")
)

// DecodeError says where decoding stopped and why.
type DecodeError struct {
	Offset int    // in the bytes given; with Compressed, in the decompressed ones
	What   string // what was being read, and what is wrong with it
	Err    error  // one of the Err values of this package

	Compressed bool
}

func (e *DecodeError) Error() string {
	s := "etf: at byte " + strconv.Itoa(e.Offset)
	if e.Compressed {
		s += " (decompressed)"
	}
	s += ": " + e.What
	if e.Err == nil {
		return s
	}
	return s + ": " + e.Err.Error()
}

func (e *DecodeError) Unwrap() error { return e.Err }

// EncodeError says which Go value could not be encoded and why. It never holds the value itself.
type EncodeError struct {
	Type string // the Go type
	What string
}

func (e *EncodeError) Error() string { return "etf: encoding " + e.Type + ": " + e.What }

// Unwrap gives ErrValue.
func (e *EncodeError) Unwrap() error { return ErrValue }
