package wire

// Operations of control messages, the first element of the control tuple. Those
// with a trace token (…TT) carry it as one more element at the end, or in front
// of an exit's reason.
const (
	OpLink                = 1
	OpSend                = 2 // {2, Unused, ToPid}, payload
	OpExit                = 3
	OpUnlink              = 4
	OpRegSend             = 6 // {6, FromPid, Unused, ToName}, payload
	OpGroupLeader         = 7
	OpExit2               = 8
	OpSendTT              = 12
	OpExitTT              = 13
	OpRegSendTT           = 16
	OpExit2TT             = 18
	OpMonitorP            = 19 // {19, FromPid, ToProc, Ref}
	OpDemonitorP          = 20 // {20, FromPid, ToProc, Ref}
	OpMonitorPExit        = 21 // {21, FromProc, ToPid, Ref, Reason}
	OpSendSender          = 22 // {22, FromPid, ToPid}, payload
	OpSendSenderTT        = 23
	OpPayloadExit         = 24
	OpPayloadExitTT       = 25
	OpPayloadExit2        = 26
	OpPayloadExit2TT      = 27
	OpPayloadMonitorPExit = 28 // {28, FromProc, ToPid, Ref}, payload: the reason
	OpSpawnRequest        = 29 // {29, ReqId, From, GroupLeader, {M, F, Arity}, Opts}, payload: arguments
	OpSpawnRequestTT      = 30
	OpSpawnReply          = 31 // {31, ReqId, To, Flags, Result}
	OpSpawnReplyTT        = 32
	OpAliasSend           = 33 // {33, FromPid, Alias}, payload
	OpAliasSendTT         = 34
	OpUnlinkID            = 35 // {35, Id, FromPid, ToPid}
	OpUnlinkIDAck         = 36 // {36, Id, FromPid, ToPid}
	OpLast                = OpUnlinkIDAck
)

// HasPayload says whether a second term follows the control tuple of op.
func HasPayload(op int64) bool {
	switch op {
	case OpSend, OpRegSend, OpSendTT, OpRegSendTT, OpSendSender, OpSendSenderTT,
		OpPayloadExit, OpPayloadExitTT, OpPayloadExit2, OpPayloadExit2TT,
		OpPayloadMonitorPExit, OpSpawnRequest, OpSpawnRequestTT, OpAliasSend, OpAliasSendTT:
		return true
	}
	return false
}
