package wire

import (
	"fmt"
	"strings"
)

// Flags are the capabilities that a node announces in its handshake. What both
// sides announce is what the connection may use.
type Flags uint64

// The distribution flags (DFLAG_...) of OTP 25 to 29.
const (
	FlagPublished          Flags = 0x1
	FlagAtomCache          Flags = 0x2 // obsolete
	FlagExtendedReferences Flags = 0x4
	FlagDistMonitor        Flags = 0x8
	FlagFunTags            Flags = 0x10
	FlagDistMonitorName    Flags = 0x20
	FlagHiddenAtomCache    Flags = 0x40 // obsolete
	FlagNewFunTags         Flags = 0x80
	FlagExtendedPidsPorts  Flags = 0x100
	FlagExportPtrTag       Flags = 0x200
	FlagBitBinaries        Flags = 0x400
	FlagNewFloats          Flags = 0x800
	FlagUnicodeIO          Flags = 0x1000
	FlagDistHdrAtomCache   Flags = 0x2000
	FlagSmallAtomTags      Flags = 0x4000
	FlagUTF8Atoms          Flags = 0x10000
	FlagMapTag             Flags = 0x20000
	FlagBigCreation        Flags = 0x40000
	FlagSendSender         Flags = 0x80000
	FlagBigSeqtraceLabels  Flags = 0x100000
	FlagExitPayload        Flags = 0x400000
	FlagFragments          Flags = 0x800000
	FlagHandshake23        Flags = 0x1000000
	FlagUnlinkID           Flags = 0x2000000
	FlagMandatory25Digest  Flags = 0x4000000
	FlagSpawn              Flags = 1 << 32
	FlagNameMe             Flags = 1 << 33
	FlagV4NC               Flags = 1 << 34
	FlagAlias              Flags = 1 << 35
)

// Mandatory25 are the flags without which OTP 25 refuses a connection. A node
// may announce FlagMandatory25Digest in their stead.
const Mandatory25 = FlagExtendedReferences | FlagFunTags | FlagExtendedPidsPorts |
	FlagNewFunTags | FlagExportPtrTag | FlagBitBinaries | FlagNewFloats |
	FlagUTF8Atoms | FlagMapTag | FlagBigCreation | FlagHandshake23

// Mandatory26 became mandatory with OTP 26, beside those of OTP 25.
const Mandatory26 = FlagV4NC | FlagUnlinkID

// Has says whether all of want are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Missing gives those of want that are not set. FlagMandatory25Digest stands for
// all of Mandatory25.
func (f Flags) Missing(want Flags) Flags {
	if f.Has(FlagMandatory25Digest) {
		f |= Mandatory25
	}
	return want &^ f
}

var flagNames = []struct {
	flag Flags
	name string
}{
	{FlagPublished, "PUBLISHED"},
	{FlagAtomCache, "ATOM_CACHE"},
	{FlagExtendedReferences, "EXTENDED_REFERENCES"},
	{FlagDistMonitor, "DIST_MONITOR"},
	{FlagFunTags, "FUN_TAGS"},
	{FlagDistMonitorName, "DIST_MONITOR_NAME"},
	{FlagHiddenAtomCache, "HIDDEN_ATOM_CACHE"},
	{FlagNewFunTags, "NEW_FUN_TAGS"},
	{FlagExtendedPidsPorts, "EXTENDED_PIDS_PORTS"},
	{FlagExportPtrTag, "EXPORT_PTR_TAG"},
	{FlagBitBinaries, "BIT_BINARIES"},
	{FlagNewFloats, "NEW_FLOATS"},
	{FlagUnicodeIO, "UNICODE_IO"},
	{FlagDistHdrAtomCache, "DIST_HDR_ATOM_CACHE"},
	{FlagSmallAtomTags, "SMALL_ATOM_TAGS"},
	{FlagUTF8Atoms, "UTF8_ATOMS"},
	{FlagMapTag, "MAP_TAG"},
	{FlagBigCreation, "BIG_CREATION"},
	{FlagSendSender, "SEND_SENDER"},
	{FlagBigSeqtraceLabels, "BIG_SEQTRACE_LABELS"},
	{FlagExitPayload, "EXIT_PAYLOAD"},
	{FlagFragments, "FRAGMENTS"},
	{FlagHandshake23, "HANDSHAKE_23"},
	{FlagUnlinkID, "UNLINK_ID"},
	{FlagMandatory25Digest, "MANDATORY_25_DIGEST"},
	{FlagSpawn, "SPAWN"},
	{FlagNameMe, "NAME_ME"},
	{FlagV4NC, "V4_NC"},
	{FlagAlias, "ALIAS"},
}

// String names the flags as OTP does, without the DFLAG_ in front.
func (f Flags) String() string {
	var names []string
	for _, n := range flagNames {
		if f.Has(n.flag) {
			names = append(names, n.name)
			f &^= n.flag
		}
	}
	if f != 0 || len(names) == 0 {
		names = append(names, fmt.Sprintf("%#x", uint64(f)))
	}
	return strings.Join(names, "|")
}
