// Package etf reads and writes Erlang's external term format, which is what term_to_binary/1 gives and
// what the distribution protocol carries. It needs the standard library alone.
//
// Encoding appends: [Append] takes Go values that stand for terms ([Atom], [Tuple], [List], [Map], [Pid]
// and so on, and Go's own numbers, strings and byte slices) and the Append functions write one term
// each. Neither allocates anything but the room that dst lacks.
//
// Decoding gives a [Term], a read-only view that is checked as a whole and can then be asked in any
// order without another error: [Decode] for one term, a [Decoder] for limits of one's own, for streams of
// terms, for the atom cache, and for decoding without allocation. The bytes given are copied once;
// with Decoder.Alias the Term refers to them.
//
// Everything that OTP 25 and later writes is read, and the older forms that they still accept.
// FUN_EXT, which OTP dropped in version 23, and LOCAL_EXT, which means something only to the node
// that wrote it, are refused. Input is never trusted: depth, number of terms and size are limited,
// and what is wrong comes back as a [DecodeError] with its offset.
//
// The format is described in the ERTS User's Guide, "External Term Format":
// https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
package etf
