package syntax

// tokenKind is a kind of token, as Elixir's grammar has them.
type tokenKind uint8

const (
	tEOF   tokenKind = iota
	tError           // text says what is wrong
	tEol
	tSemi
	tComma
	tDot

	// What an identifier is depends on what follows it.
	tIdent        // foo
	tOpIdent      // foo in "foo -1"
	tDoIdent      // foo in "foo do"
	tParenIdent   // foo in "foo("
	tBracketIdent // foo in "foo["
	tAlias
	tBlockIdent // else, after, rescue, catch
	tKw         // foo:

	tAtom
	tAtomQuoted
	tInt
	tFlt
	tChar
	tTrue
	tFalse
	tNil

	// Strings without interpolation are one token. Others are tStrBegin, then for each part tStrPart, or tInterpBegin, tokens
	// and tInterpEnd, then tStrEnd. sub is the kind of string.
	tString
	tStrBegin
	tStrPart
	tInterpBegin
	tInterpEnd
	tStrEnd

	tLParen
	tRParen
	tLBracket
	tRBracket
	tLCurly
	tRCurly
	tLBit
	tRBit
	tMap     // %{} before {
	tPercent // % before a struct's name
	tFn
	tDo
	tEnd

	tAtOp
	tUnaryOp
	tCaptureOp
	tCaptureInt
	tEllipsisOp
	tDotCallOp
	tAssocOp
	tStabOp

	tInMatchOp
	tWhenOp
	tTypeOp
	tPipeOp
	tMatchOp
	tOrOp
	tAndOp
	tCompOp
	tRelOp
	tArrowOp
	tInOp
	tXorOp
	tTernaryOp
	tConcatOp
	tRangeOp
	tDualOp
	tMultOp
	tPowerOp

	tKinds
)

// strKind is a kind of string.
type strKind uint8

const (
	strBinary strKind = iota
	strList
	strAtom
	strSigil
	strKeyword
	strKeywordList // '...': as a key, whose parts are like those of strKeyword
	strQuotedCall
)

// token is a piece of source.
type token struct {
	kind       tokenKind
	sub        strKind
	letter     byte // of a sigil: its delimiter
	glued      bool // of tEol and others: a newline was passed over before it
	line, col  int32
	start, end int32
	line2      int32 // of "not in": where "in" stands; of tStrEnd nothing
	col2       int32
	text       string // name, operator or decoded string
	more       string // of a sigil: its modifiers
	unsure     string // of a name: why it is not known
}

// Precedences, as the grammar states them.
const (
	precCapture = 90
	precIn      = 170
	precUnary   = 300
	precAt      = 320
)

type binary struct {
	prec  int16
	right bool
}

// binaries has the operators that stand between two expressions.
var binaries = [tKinds]binary{
	tInMatchOp: {40, false},
	tWhenOp:    {50, true},
	tTypeOp:    {60, true},
	tPipeOp:    {70, true},
	tMatchOp:   {100, true},
	tOrOp:      {120, false},
	tAndOp:     {130, false},
	tCompOp:    {140, false},
	tRelOp:     {150, false},
	tArrowOp:   {160, false},
	tInOp:      {precIn, false},
	tXorOp:     {180, false},
	tTernaryOp: {190, true},
	tConcatOp:  {200, true},
	tRangeOp:   {200, true},
	tDualOp:    {210, false},
	tMultOp:    {220, false},
	tPowerOp:   {230, false},
}

// beginsArg has the tokens that begin an argument where they follow an identifier: those that can't go on with an
// expression that ends there. A tDualOp does so only behind a tOpIdent.
var beginsArg = [tKinds]bool{
	tIdent: true, tOpIdent: true, tDoIdent: true, tParenIdent: true, tBracketIdent: true, tAlias: true, tKw: true,
	tAtom: true, tAtomQuoted: true, tInt: true, tFlt: true, tChar: true, tTrue: true, tFalse: true, tNil: true,
	tString: true, tStrBegin: true, tLParen: true, tLBracket: true, tLCurly: true, tLBit: true, tMap: true, tPercent: true,
	tFn: true, tAtOp: true, tUnaryOp: true, tCaptureOp: true, tCaptureInt: true, tEllipsisOp: true,
}
