package syntax

import "unicode"

// graphemes tells which characters join the one before them. Columns count grapheme clusters within strings.
type graphemes struct {
	prev     rune // 0 where nothing can be joined
	regional bool // prev is the first half of a flag
	pictured bool // prev belongs to a pictograph
}

func (g *graphemes) reset() { *g = graphemes{} }

func (g *graphemes) ascii() { *g = graphemes{prev: 'a'} }

const joiner = 0x200D

// joins tells whether r belongs to the cluster of the character before it.
func (g *graphemes) joins(r rune) bool {
	prev := *g
	*g = graphemes{prev: r}
	if prev.prev == 0 {
		g.regional = r >= 0x1F1E6 && r <= 0x1F1FF
		g.pictured = pictograph(r)
		return false
	}
	switch {
	case r < 0x300:
		return false
	case extends(r):
		g.pictured = prev.pictured
		return true
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		g.regional = !prev.regional
		return prev.regional
	case pictograph(r):
		g.pictured = true
		return prev.prev == joiner && prev.pictured
	case r >= 0x1100 && r <= 0xD7FB:
		return hangulJoins(prev.prev, r)
	}
	return false
}

// extends tells whether r joins anything before it: Grapheme_Extend, SpacingMark and the joiner.
func extends(r rune) bool {
	switch {
	case r == joiner || r >= 0x1F3FB && r <= 0x1F3FF || r == 0x0E33 || r == 0x0EB3:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc, unicode.Other_Grapheme_Extend)
}

// prepends tells whether r joins what follows it, whatever that is: even the quote that ends a string.
func prepends(r rune) bool {
	if r < 0x600 {
		return false
	}
	switch r {
	case 0x0D4E, 0x111C2, 0x111C3, 0x113D1, 0x1193F, 0x11941, 0x11A3A, 0x11D46, 0x11F02:
		return true
	}
	return r >= 0x11A84 && r <= 0x11A89 || unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// pictograph is Extended_Pictographic, as far as it is joined by a joiner in practice.
func pictograph(r rune) bool {
	return r >= 0x1F000 && r <= 0x1FAFF || r >= 0x2190 && r <= 0x21FF || r >= 0x2300 && r <= 0x27BF || r >= 0x2900 && r <= 0x2BFF
}

// hangulJoins has the rules for syllables that are written in parts.
func hangulJoins(prev, r rune) bool {
	isL := func(r rune) bool { return r >= 0x1100 && r <= 0x115F || r >= 0xA960 && r <= 0xA97C }
	isV := func(r rune) bool { return r >= 0x1160 && r <= 0x11A7 || r >= 0xD7B0 && r <= 0xD7C6 }
	isT := func(r rune) bool { return r >= 0x11A8 && r <= 0x11FF || r >= 0xD7CB && r <= 0xD7FB }
	isS := func(r rune) bool { return r >= 0xAC00 && r <= 0xD7A3 }
	lv := isS(prev) && (prev-0xAC00)%28 == 0
	switch {
	case isL(prev):
		return isL(r) || isV(r) || isS(r)
	case lv || isV(prev):
		return isV(r) || isT(r)
	case isS(prev) || isT(prev):
		return isT(r)
	}
	return false
}
