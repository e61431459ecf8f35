// Package wire holds the messages of the Erlang distribution protocol that are
// not terms: the handshake, the packets, the distribution header with its atom
// cache, and fragments. Both ends use it, erlang/dist as the side that connects
// and erlang/erltest as the side that accepts.
//
// Encoders append to a slice; parsers copy what they keep, so a packet's buffer
// may be used again. Everything parsed comes from a peer that is not trusted
// yet: every length is checked before anything is allocated for it.
//
// The source is the chapters "Distribution Protocol" and "External Term Format,
// Distribution Header" of the ERTS User's Guide.
package wire
