package syntax

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// BigInt gives the value of an integer of any size.
func (n *Node) BigInt() (*big.Int, bool) {
	if i, ok := n.Int(); ok {
		return big.NewInt(i), true
	}
	if n.Kind != Integer {
		return nil, false
	}
	digits, base := integerDigits(n.Text)
	return new(big.Int).SetString(digits, base)
}

// Int gives the value of an integer that fits.
func (n *Node) Int() (int64, bool) {
	if n.Kind != Integer {
		return 0, false
	}
	if rest, ok := strings.CutPrefix(n.Text, "?"); ok {
		if c, escaped := strings.CutPrefix(rest, `\`); escaped && c != "" {
			if c[0] < utf8.RuneSelf {
				return int64(unescaped(c[0])), true
			}
			rest = c
		}
		r, _ := utf8.DecodeRuneInString(rest)
		return int64(r), true
	}
	digits, base := integerDigits(n.Text)
	i, err := strconv.ParseInt(digits, base, 64)
	if err != nil {
		return 0, false
	}
	return i, true
}

func integerDigits(s string) (digits string, base int) {
	base = 10
	if len(s) > 2 && s[0] == '0' {
		switch s[1] {
		case 'x':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		}
		if base != 10 {
			s = s[2:]
		}
	}
	return strings.ReplaceAll(s, "_", ""), base
}

// Float gives the value of a float.
func (n *Node) Float() (float64, bool) {
	if n.Kind != Float {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(n.Text, "_", ""), 64)
	return f, err == nil
}
