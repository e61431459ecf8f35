package project

import (
	"maps"
	"slices"
)

// settings is what the configuration says, as a release for production has it.
type settings struct {
	apps  map[string]Expr // keyword lists, by application
	lost  map[string]Expr // why there may be more than is known of an application; "" is any
	items int             // that were put together
	// broken says why nothing is known, for what was read may be said otherwise where the file was not; absent: it is.
	broken Expr
}

func newSettings() *settings { return &settings{apps: map[string]Expr{}, lost: map[string]Expr{}} }

// lose notes that something of an application's configuration is not known; "" is any.
func (s *settings) lose(app string, at Pos, why string) {
	if _, twice := s.lost[app]; !twice {
		s.lost[app] = unknownExpr(at, why)
	}
}

// unclear says why there may be more than is known of an application; absent: there is not.
func (s *settings) unclear(app string) Expr {
	if e, ok := s.lost[app]; ok {
		return e
	}
	return s.lost[""]
}

// app is all that is said of an application.
func (s *settings) app(name string) Expr {
	if !s.broken.Absent() {
		return s.broken
	}
	e := s.apps[name]
	if why := s.unclear(name); !why.Absent() {
		// What is not there may stand where it was not read.
		e.Kind = ExprList
		e.Items = append(slices.Clip(e.Items), Item{Value: why})
	}
	return e
}

// names are the applications that are configured, sorted.
func (s *settings) names() []string { return slices.Sorted(maps.Keys(s.apps)) }

// maxItems are put together in all.
const maxItems = 4 << 20

// put adds what a call of config says, if a condition holds; it is absent where it always does.
func (s *settings) put(app string, say, condition Expr) {
	old := s.apps[app]
	if s.items += len(old.Items) + say.weight() + condition.weight(); s.items > maxItems || old.weight() > maxItems {
		s.lose(app, say.At, "the configuration says too much")
		return
	}
	s.apps[app] = overlay(old, say, condition, merged)
}

// get is what is said under some keys; where nothing is, it may stand in what was not read.
func (s *settings) get(app string, keys ...string) Expr {
	if !s.broken.Absent() {
		return s.broken
	}
	e := s.apps[app]
	for _, k := range keys {
		e = e.Get(k)
	}
	if e.Absent() {
		return s.unclear(app)
	}
	return e
}

// overlay puts one keyword list over another, if a condition holds. What both say is put together by merge.
func overlay(old, say, condition Expr, merge func(before, say Expr) Expr) Expr {
	out := Expr{Kind: ExprList, At: say.At, Items: slices.Clone(old.Items)}
	for _, i := range say.Items {
		n := slices.IndexFunc(out.Items, func(o Item) bool { return o.Keyed() && i.Keyed() && o.Key == i.Key })
		if n < 0 {
			if !condition.Absent() {
				i.Value = choose(i.Value.At, condition, i.Value, Expr{})
			}
			out.Items = append(out.Items, i)
			continue
		}
		before := out.Items[n].Value
		switch {
		case !condition.Absent() && before.Keyword() && i.Value.Keyword(): // so that what it does not change is as it was
			i.Value = overlay(before, i.Value, condition, merge)
		case condition.Absent():
			i.Value = merge(before, i.Value)
		default:
			i.Value = choose(i.Value.At, condition, merge(before.given(condition), i.Value), before.given(negation(condition)))
		}
		out.Items[n] = i
	}
	return out.weigh()
}

// replaced is how Keyword.merge puts two values together.
func replaced(_, say Expr) Expr { return say }

// merged is how Config does it: keyword lists go into one another, and anything else takes the place of what was there.
func merged(before, say Expr) Expr { return mergedTo(before, say, 8) }

func mergedTo(before, say Expr, left int) Expr {
	switch {
	case !before.maybeKeyword() || !say.maybeKeyword():
		return say
	case before.Keyword() && say.Keyword():
		return overlay(before, say, Expr{}, func(b, s Expr) Expr { return mergedTo(b, s, left) })
	case left == 0:
	case say.Kind == ExprOp && say.Text == "if":
		return choose(say.At, say.Args[0], mergedTo(before, say.Args[1], left-1), mergedTo(before, say.Args[2], left-1))
	case before.Kind == ExprOp && before.Text == "if":
		return choose(before.At, before.Args[0], mergedTo(before.Args[1], say, left-1), mergedTo(before.Args[2], say, left-1))
	}
	return unknownExpr(say.At, "it is put over what stands at "+before.At.String()+", and one of them is computed")
}

// maybeKeyword says that it may be a keyword list.
func (e Expr) maybeKeyword() bool {
	switch e.Kind {
	case ExprUnknown:
		return true
	case ExprList:
		return e.Keyword() || slices.ContainsFunc(e.Items, func(i Item) bool { return !i.Keyed() && i.Value.Kind == ExprUnknown })
	case ExprOp:
		switch e.Text {
		case "if":
			return e.Args[1].maybeKeyword() || e.Args[2].maybeKeyword()
		case "||", "&&":
			return e.Args[0].maybeKeyword() || e.Args[1].maybeKeyword()
		case "++", "split", "split_trim", "compact", "flatten", "filter":
			return true
		}
	}
	return false
}

// Setting is what the configuration says of an application, as a release for production has it: config/config.exs with
// what it imports, and over it what is read at boot. Keys lead into keyword lists; a module is named without "Elixir.".
// It is absent where nobody says it, and unknown where it may stand in something that was not followed. What was said
// before that is taken to hold; ConfigUnread says whether there is such a thing at all.
func (p *Project) Setting(app string, keys ...string) Expr {
	return p.settings.get(app, keys...)
}
