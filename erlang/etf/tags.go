package etf

import "strconv"

// Version is the byte in front of every term outside the distribution protocol.
const Version = 131

// The tags of the external term format, from ERTS' "External Term Format" document.
const (
	tagCompressed     = 80
	tagNewFloat       = 70
	tagBitBinary      = 77
	tagAtomCacheRef   = 82
	tagNewPid         = 88
	tagNewPort        = 89
	tagNewerReference = 90
	tagSmallInteger   = 97
	tagInteger        = 98
	tagFloat          = 99
	tagAtom           = 100
	tagReference      = 101
	tagPort           = 102
	tagPid            = 103
	tagSmallTuple     = 104
	tagLargeTuple     = 105
	tagNil            = 106
	tagString         = 107
	tagList           = 108
	tagBinary         = 109
	tagSmallBig       = 110
	tagLargeBig       = 111
	tagNewFun         = 112
	tagExport         = 113
	tagNewReference   = 114
	tagSmallAtom      = 115
	tagMap            = 116
	tagFun            = 117
	tagAtomUTF8       = 118
	tagSmallAtomUTF8  = 119
	tagV4Port         = 120
	tagLocal          = 121
)

// MaxAtomLen is the longest atom a BEAM accepts, in characters (code points).
const MaxAtomLen = 255

// MaxRefWords is the largest number of 32-bit words in a reference (OTP 24 and later).
const MaxRefWords = 5

// maxV3Port is the largest port number that NEW_PORT_EXT carries; larger ones need V4_PORT_EXT.
const maxV3Port = 1<<28 - 1

// maxString is the longest list of bytes that STRING_EXT carries.
const maxString = 1<<16 - 1

// What the forms with a creation of one byte may hold: two bits of it, and 18 of a reference's first word.
const (
	maxOldCreation = 1<<2 - 1
	maxOldRefID    = 1<<18 - 1
)

var tagNames = map[byte]string{
	tagCompressed: "COMPRESSED", tagNewFloat: "NEW_FLOAT_EXT", tagBitBinary: "BIT_BINARY_EXT",
	tagAtomCacheRef: "ATOM_CACHE_REF", tagNewPid: "NEW_PID_EXT", tagNewPort: "NEW_PORT_EXT",
	tagNewerReference: "NEWER_REFERENCE_EXT", tagSmallInteger: "SMALL_INTEGER_EXT",
	tagInteger: "INTEGER_EXT", tagFloat: "FLOAT_EXT", tagAtom: "ATOM_EXT", tagReference: "REFERENCE_EXT",
	tagPort: "PORT_EXT", tagPid: "PID_EXT", tagSmallTuple: "SMALL_TUPLE_EXT",
	tagLargeTuple: "LARGE_TUPLE_EXT", tagNil: "NIL_EXT", tagString: "STRING_EXT", tagList: "LIST_EXT",
	tagBinary: "BINARY_EXT", tagSmallBig: "SMALL_BIG_EXT", tagLargeBig: "LARGE_BIG_EXT",
	tagNewFun: "NEW_FUN_EXT", tagExport: "EXPORT_EXT", tagNewReference: "NEW_REFERENCE_EXT",
	tagSmallAtom: "SMALL_ATOM_EXT", tagMap: "MAP_EXT", tagFun: "FUN_EXT (OTP 22 and earlier)",
	tagAtomUTF8: "ATOM_UTF8_EXT", tagSmallAtomUTF8: "SMALL_ATOM_UTF8_EXT", tagV4Port: "V4_PORT_EXT",
	tagLocal: "LOCAL_EXT (readable only by the node that wrote it)",
}

func tagName(tag byte) string {
	if s, ok := tagNames[tag]; ok {
		return s
	}
	return "tag " + strconv.Itoa(int(tag))
}
