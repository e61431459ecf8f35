// Package beam is the one home of what the BEAM and OTP releases call things:
// environment names, flags, default ports and the forms of a node name. It holds
// strings and rules about strings; it reads nothing and dials nobody.
package beam

// Default ports.
const (
	// EPMDPort is the TCP port of the Erlang Port Mapper Daemon (ERL_EPMD_PORT).
	EPMDPort = 4369
	// DistPortMin and DistPortMax are the range that Phial gives the
	// distribution listener: the release takes the first, `bin/app rpc` and
	// `bin/app remote` (BEAMs too) the next free ones.
	DistPortMin = 9100
	DistPortMax = 9107
)

// Environment names that an OTP release's start script and the VM read.
const (
	EnvReleaseNode         = "RELEASE_NODE"         // full node name, base@host
	EnvReleaseCookie       = "RELEASE_COOKIE"       // the cookie; never printed
	EnvReleaseDistribution = "RELEASE_DISTRIBUTION" // "name", "sname" or "none"
	EnvReleaseName         = "RELEASE_NAME"
	EnvReleaseTmp          = "RELEASE_TMP"
	EnvErlAFlags           = "ERL_AFLAGS"     // flags put before the command line
	EnvErlEPMDPort         = "ERL_EPMD_PORT"  // TCP port of EPMD
	EnvErlInetrc           = "ERL_INETRC"     // path of an inet configuration file
	EnvErlCrashDump        = "ERL_CRASH_DUMP" // path of the crash dump
)

// Values of EnvReleaseDistribution.
const (
	DistributionName  = "name"  // long names: the host has a dot or is an IPv6 address
	DistributionSName = "sname" // short names: the host has no dot
)

// Application environment of kernel that decides how nodes mesh.
const (
	Kernel                     = "kernel"
	KernelListenMin            = "inet_dist_listen_min"
	KernelListenMax            = "inet_dist_listen_max"
	KernelUseInterface         = "inet_dist_use_interface"
	KernelConnectOptions       = "inet_dist_connect_options"
	KernelNetTicktime          = "net_ticktime"
	KernelPreventOverlapping   = "prevent_overlapping_partitions"
	KernelConnectAll           = "connect_all"
	FlagProtoDist              = "proto_dist"  // -proto_dist inet_tcp | inet6_tcp | inet_tls | inet6_tls
	FlagConnectAll             = "connect_all" // -connect_all false
	FlagHidden                 = "hidden"
	FlagStartEPMD              = "start_epmd" // -start_epmd false
	ProtoTCP                   = "inet_tcp"
	ProtoTCP6                  = "inet6_tcp"
	ProtoTLS                   = "inet_tls"
	ProtoTLS6                  = "inet6_tls"
	OTPWithOverlapPrevention   = 25 // first OTP where prevent_overlapping_partitions is true by default
	OTPWithPgVersions          = 26 // first OTP whose pg knows a greeting with a protocol version
	OTPThatSendsPgVersion      = 28 // first OTP whose pg sends one
	DefaultNetTicktimeSeconds  = 60
	GlobalLostConnectionsTable = "global_lost_connections" // ETS table of global: who reported whom lost, kept an hour
)
