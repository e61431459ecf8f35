package dist

import (
	"strconv"
	"strings"
)

// Stage is how far a connection came.
type Stage uint8

// The stages, in their order.
const (
	StageName      Stage = iota // the node's name and the configuration
	StageResolve                // host part to addresses
	StageEPMD                   // asking the host's EPMD for the port
	StageConnect                // TCP to the distribution port
	StageTLS                    // TLS on it
	StageStatus                 // handshake: our name sent, status awaited
	StageChallenge              // handshake: the peer's name and challenge
	StageAck                    // handshake: our answer sent, the peer's awaited
	StageConn                   // connected: the connection itself
	StageCall                   // connected: one call
)

var stageNames = [...]string{
	StageName: "name", StageResolve: "resolve", StageEPMD: "epmd", StageConnect: "connect", StageTLS: "tls",
	StageStatus: "status", StageChallenge: "challenge", StageAck: "ack", StageConn: "conn", StageCall: "call",
}

// String gives the stage in one word.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "stage " + strconv.Itoa(int(s))
}

// Cause is what went wrong, as far as it could be told from here.
type Cause uint8

// The causes.
const (
	CauseOther           Cause = iota // none of these; see the wrapped error
	CauseBadName                      // the node's name is not base@host
	CauseBadConfig                    // the configuration cannot work (no cookie, say)
	CauseDNSNotFound                  // the host has no address
	CauseDNSTimeout                   // no answer from DNS in time
	CauseDNSFailed                    // DNS answered with an error
	CauseEPMDRefused                  // nothing listens on the EPMD port
	CauseEPMDUnreachable              // no route to the host, EPMD port
	CauseEPMDDialTimeout              // no answer to TCP on the EPMD port: filtered, or no host
	CauseEPMDMute                     // EPMD takes the connection and does not answer
	CauseEPMDGarbage                  // something else answers on the EPMD port
	CauseNotRegistered                // EPMD does not know the name
	CausePortRefused                  // nothing listens on the distribution port
	CausePortUnreachable              // no route to the host, distribution port
	CausePortTimeout                  // no answer to TCP on the distribution port: filtered
	CauseNotDistribution              // the port speaks something else
	CauseFrozen                       // TCP connects, the node does not answer in time
	CauseNameMismatch                 // the node calls itself by another name (Error.Peer)
	CauseNotAllowed                   // the node refuses our name (net_kernel:allow)
	CauseAlive                        // our name is already connected there
	CauseSimultaneous                 // the node is connecting to our name itself ("nok")
	CauseCookie                       // the node has another cookie
	CauseTLS                          // TLS failed, or only one side speaks it
	CauseTooOld                       // the peer's handshake or flags are older than OTP 25's
	CauseCallFailed                   // the call was made and failed there (Err is a *Failure)
	CauseBadArgs                      // the arguments cannot be encoded
	CauseTimeout                      // the call's deadline passed
	CauseCanceled                     // the caller gave up
	CauseClosed                       // the connection ended
	CauseSilent                       // connected, but nothing came for the tick time
	CauseProtocol                     // the peer broke the protocol, or a limit of ours
)

var causeNames = [...]struct{ slug, text string }{
	CauseOther:           {"other", "failed"},
	CauseBadName:         {"bad_name", "not a node name (base@host)"},
	CauseBadConfig:       {"bad_config", "bad configuration"},
	CauseDNSNotFound:     {"dns_not_found", "the host name does not resolve"},
	CauseDNSTimeout:      {"dns_timeout", "no answer from DNS in time"},
	CauseDNSFailed:       {"dns_failed", "DNS lookup failed"},
	CauseEPMDRefused:     {"epmd_refused", "no EPMD there: connection refused"},
	CauseEPMDUnreachable: {"epmd_unreachable", "no route to the host"},
	CauseEPMDDialTimeout: {"epmd_dial_timeout", "EPMD port does not answer: filtered, or no such host"},
	CauseEPMDMute:        {"epmd_mute", "EPMD takes the connection but does not answer"},
	CauseEPMDGarbage:     {"epmd_garbage", "what answers on the EPMD port is not EPMD"},
	CauseNotRegistered:   {"not_registered", "the name is not registered with EPMD"},
	CausePortRefused:     {"port_refused", "distribution port closed: connection refused"},
	CausePortUnreachable: {"port_unreachable", "no route to the host"},
	CausePortTimeout:     {"port_timeout", "distribution port does not answer: filtered"},
	CauseNotDistribution: {"not_distribution", "the port does not speak Erlang distribution"},
	CauseFrozen:          {"frozen", "the node takes the connection but does not answer"},
	CauseNameMismatch:    {"name_mismatch", "the node has another name"},
	CauseNotAllowed:      {"not_allowed", "the node does not allow us to connect"},
	CauseAlive:           {"alive", "a connection of our name is already up there"},
	CauseSimultaneous:    {"simultaneous", "the node is connecting to our name itself"},
	CauseCookie:          {"cookie", "the node has another cookie"},
	CauseTLS:             {"tls", "TLS failed"},
	CauseTooOld:          {"too_old", "the peer is older than OTP 25"},
	CauseCallFailed:      {"call_failed", "the call failed on the node"},
	CauseBadArgs:         {"bad_args", "the arguments cannot be encoded"},
	CauseTimeout:         {"timeout", "no answer in time"},
	CauseCanceled:        {"canceled", "canceled"},
	CauseClosed:          {"closed", "connection closed"},
	CauseSilent:          {"silent", "nothing came from the node for the tick time"},
	CauseProtocol:        {"protocol", "the peer broke the protocol"},
}

// String gives the cause as one stable word.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c].slug
	}
	return "cause_" + strconv.Itoa(int(c))
}

// Text gives the cause in a few words for people.
func (c Cause) Text() string {
	if int(c) < len(causeNames) {
		return causeNames[c].text
	}
	return c.String()
}

// Error is what [Dial] and the methods of [Conn] fail with.
type Error struct {
	Stage Stage
	Cause Cause
	Node  string // the node asked for
	Addr  string // host:port last spoken to, if it came that far
	Peer  string // the name that the peer gave itself, if it came that far
	// Creation is the peer's incarnation, which it gives with its name.
	Creation uint32
	Err      error // detail, may be nil
}

// Error says what failed on which node, at which stage, and why.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Node)
	if e.Addr != "" {
		b.WriteString(" (" + e.Addr + ")")
	}
	b.WriteString(": " + e.Stage.String() + ": " + e.Cause.Text())
	if d := e.detail(); d != "" {
		b.WriteString(": " + d)
	}
	return b.String()
}

// detail is what the wrapped error adds to the cause for a reader. Mostly it is
// the system's word for the same thing, and adds nothing.
func (e *Error) detail() string {
	switch e.Cause {
	case CauseNameMismatch:
		return "it calls itself " + e.Peer
	case CauseNotDistribution, CauseCookie, CauseTLS:
		if isClosed(e.Err) {
			return "it hangs up"
		}
	case CauseOther, CauseBadName, CauseBadConfig, CauseDNSFailed, CauseEPMDGarbage, CauseTooOld,
		CauseCallFailed, CauseBadArgs, CauseProtocol:
	default:
		return ""
	}
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap gives the detail.
func (e *Error) Unwrap() error { return e.Err }
