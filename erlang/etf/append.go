package etf

import (
	"encoding/binary"
	"math"
	"math/big"
	"reflect"
	"strconv"
)

// maxEncodeDepth bounds the nesting of Go values, so that a value that holds itself is an error. What can
// be decoded can be encoded.
const maxEncodeDepth = maxDepthCap + 1

// Append appends the term that v stands for, without a version byte:
//
//	Atom, bool                        atom
//	int…, uint…, *big.Int             integer
//	float64, float32                  float (NaN and infinities are errors)
//	string, []byte                    binary
//	Charlist                          list of code points
//	Tuple, List, []any, ImproperList  tuple, list
//	Map                               map, in the order given
//	BitString, Pid, Port, Ref, Export, Fun
//	Term                              a decoded term, again
//
// Any other type, an untyped nil among them, gives an [EncodeError]; dst is then returned as it was.
// Apart from growing dst it allocates nothing.
func Append(dst []byte, v any) ([]byte, error) {
	n := len(dst)
	out, err := appendAny(dst, v, maxEncodeDepth)
	if err != nil {
		return dst[:n], err
	}
	return out, nil
}

// Marshal gives the version byte and the term that v stands for, as term_to_binary/1 does. See [Append].
func Marshal(v any) ([]byte, error) {
	b, err := Append(AppendVersion(make([]byte, 0, 64)), v)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func appendAny(dst []byte, v any, depth int) ([]byte, error) {
	if depth == 0 {
		return dst, encodeError(v, "nested deeper than "+strconv.Itoa(maxEncodeDepth))
	}
	switch v := v.(type) {
	case Atom:
		if err := v.Check(); err != nil {
			return dst, encodeError(v, err.Error())
		}
		return appendAtomText(dst, string(v)), nil
	case int:
		return AppendInt(dst, int64(v)), nil
	case Tuple:
		if uint64(len(v)) > math.MaxUint32 {
			return dst, encodeError(v, "too many elements")
		}
		return appendElems(AppendTupleHeader(dst, len(v)), v, depth)
	case List:
		return appendList(dst, v, nil, depth)
	case string:
		if uint64(len(v)) > math.MaxUint32 {
			return dst, encodeError(v, "too long")
		}
		return AppendBinary(dst, v), nil
	case []byte:
		if uint64(len(v)) > math.MaxUint32 {
			return dst, encodeError(v, "too long")
		}
		return AppendBinary(dst, v), nil
	case bool:
		return AppendBool(dst, v), nil
	case int64:
		return AppendInt(dst, v), nil
	case float64:
		return appendFloatChecked(dst, v)
	case Map:
		return appendMap(dst, v, depth)
	case []any:
		return appendList(dst, v, nil, depth)
	case ImproperList:
		return appendImproper(dst, v, depth)
	case Pid:
		if err := v.Node.Check(); err != nil {
			return dst, encodeError(v, err.Error())
		}
		return appendPid(dst, v), nil
	case Port:
		if err := v.Node.Check(); err != nil {
			return dst, encodeError(v, err.Error())
		}
		return appendPort(dst, v), nil
	case Ref:
		return appendRefChecked(dst, v)
	case Charlist:
		return AppendCharlist(dst, string(v)), nil
	case Term:
		if !v.Valid() {
			return dst, encodeError(v, "the zero Term")
		}
		return v.Append(dst), nil
	case *big.Int:
		if v == nil {
			return dst, encodeError(v, "nil")
		}
		return AppendBigInt(dst, v), nil
	case BitString:
		return appendBitStringChecked(dst, v)
	case Export:
		return appendExportChecked(dst, v)
	case Fun:
		return appendFun(dst, v, depth)
	case int32:
		return AppendInt(dst, int64(v)), nil
	case int16:
		return AppendInt(dst, int64(v)), nil
	case int8:
		return AppendInt(dst, int64(v)), nil
	case uint:
		return AppendUint(dst, uint64(v)), nil
	case uint64:
		return AppendUint(dst, v), nil
	case uint32:
		return AppendInt(dst, int64(v)), nil
	case uint16:
		return AppendInt(dst, int64(v)), nil
	case uint8:
		return AppendInt(dst, int64(v)), nil
	case float32:
		return appendFloatChecked(dst, float64(v))
	}
	return dst, encodeError(v, "no Erlang term stands for this type")
}

func encodeError(v any, what string) error {
	name := "nil"
	if t := reflect.TypeOf(v); t != nil {
		name = t.String()
	}
	return &EncodeError{Type: name, What: what}
}

func appendElems(dst []byte, v []any, depth int) ([]byte, error) {
	for _, e := range v {
		var err error
		if dst, err = appendAny(dst, e, depth-1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendList appends elements and a tail; a nil tail is [].
func appendList(dst []byte, v []any, tail any, depth int) ([]byte, error) {
	if uint64(len(v)) > math.MaxUint32 {
		return dst, encodeError(List(nil), "too many elements")
	}
	if len(v) > 0 {
		var err error
		if dst, err = appendElems(AppendListHeader(dst, len(v)), v, depth); err != nil {
			return dst, err
		}
	}
	if tail == nil {
		return AppendNil(dst), nil
	}
	return appendAny(dst, tail, depth-1)
}

func appendImproper(dst []byte, v ImproperList, depth int) ([]byte, error) {
	if v.Tail == nil {
		return dst, encodeError(v, "no tail")
	}
	return appendList(dst, v.Elems, v.Tail, depth)
}

func appendMap(dst []byte, v Map, depth int) ([]byte, error) {
	if uint64(len(v)) > math.MaxUint32 {
		return dst, encodeError(v, "too many pairs")
	}
	dst = AppendMapHeader(dst, len(v))
	for i := range v {
		var err error
		if dst, err = appendAny(dst, v[i].Key, depth-1); err != nil {
			return dst, err
		}
		if dst, err = appendAny(dst, v[i].Value, depth-1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendFloatChecked(dst []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst, encodeError(v, "Erlang has no infinities and no NaN")
	}
	return AppendFloat(dst, v), nil
}

func appendRefChecked(dst []byte, v Ref) ([]byte, error) {
	if v.Len < 1 || v.Len > MaxRefWords {
		return dst, encodeError(v, "Len outside 1 to 5")
	}
	if err := v.Node.Check(); err != nil {
		return dst, encodeError(v, err.Error())
	}
	return appendRef(dst, v), nil
}

func appendBitStringChecked(dst []byte, v BitString) ([]byte, error) {
	if uint64(len(v.Bytes)) > math.MaxUint32 {
		return dst, encodeError(v, "too long")
	}
	if len(v.Bytes) > 0 && (v.Bits < 1 || v.Bits > 8) {
		return dst, encodeError(v, "Bits outside 1 to 8")
	}
	return AppendBitString(dst, v), nil
}

func appendExportChecked(dst []byte, v Export) ([]byte, error) {
	for _, a := range [...]Atom{v.Module, v.Function} {
		if err := a.Check(); err != nil {
			return dst, encodeError(v, err.Error())
		}
	}
	return AppendExport(dst, v), nil
}

func appendFun(dst []byte, v Fun, depth int) ([]byte, error) {
	for _, a := range [...]Atom{v.Module, v.Pid.Node} {
		if err := a.Check(); err != nil {
			return dst, encodeError(v, err.Error())
		}
	}
	dst = append(dst, tagNewFun)
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, v.Arity)
	dst = append(dst, v.Uniq[:]...)
	dst = binary.BigEndian.AppendUint32(dst, v.Index)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Free)))
	dst = AppendAtom(dst, v.Module)
	dst = AppendInt(dst, v.OldIndex)
	dst = AppendInt(dst, v.OldUniq)
	dst = AppendPid(dst, v.Pid)
	dst, err := appendElems(dst, v.Free, depth)
	if err != nil {
		return dst, err
	}
	// Size counts everything behind the tag, itself included.
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}
