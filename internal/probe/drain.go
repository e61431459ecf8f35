package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
)

// Drain is what can be done to a node before it stops, by rpc and without a line in the
// application: what is under way, what takes in more, and how to end both. Each method
// looks first whether what it is about is there. It may be used by several goroutines.
type Drain struct {
	s     *Session
	forms sync.Map // script → etf.Term: see eval
	told  sync.Map // name of a cowboy whose connections all close with their next answer → how many, until InFlight said so
}

// Drain gives a Drain that uses the session's connection and ends with it.
func (s *Session) Drain() *Drain { return &Drain{s: s} }

// Done is closed when the connection to the node ends.
func (d *Drain) Done() <-chan struct{} { return d.s.Done() }

// script is an Erlang expression that a node evaluates with its own erl_eval, which is
// in every release. What takes a loop, a deadline or a try is one round trip then,
// whatever the number of processes that it goes over, and a process that dies or does
// not answer takes nothing else along. The text is parsed by the node, once for each
// Drain.
type script string

// bind gives a script's variable its value. The names of a script's bindings are sorted:
// they are an orddict.
type bind struct {
	name  string
	value any
}

// eval evaluates a script with the deadline of one call.
func (d *Drain) eval(ctx context.Context, text script, binds ...bind) (etf.Term, error) {
	ctx, cancel := context.WithTimeout(ctx, d.s.p.timeout())
	defer cancel()
	form, err := d.parsed(ctx, text)
	if err != nil {
		return etf.Term{}, err
	}
	list := make(etf.List, len(binds))
	for i, b := range binds {
		list[i] = etf.Tuple{etf.Atom(b.name), b.value}
	}
	none := etf.Atom("none")
	return d.s.r.ERPC(ctx, "erl_eval", "expr", form, list, none, none, etf.Atom("value"))
}

// parsed gives a script's abstract form, as the node's own parser makes it.
func (d *Drain) parsed(ctx context.Context, text script) (etf.Term, error) {
	if form, ok := d.forms.Load(text); ok {
		return form.(etf.Term), nil
	}
	tokens, err := d.s.r.ERPC(ctx, "erl_scan", "string", etf.Charlist(strings.TrimSpace(string(text))+"."))
	if err != nil {
		return etf.Term{}, err
	}
	exprs, err := d.s.r.ERPC(ctx, "erl_parse", "parse_exprs", tokens.At(1)) // {ok, Tokens, EndLine}
	if err != nil {
		return etf.Term{}, err
	}
	form := exprs.At(1).At(0) // {ok, [Form]}
	if !form.Valid() {
		return etf.Term{}, fmt.Errorf("%s does not parse a script of ours: %s", d.s.name, exprs)
	}
	d.forms.Store(text, form)
	return form, nil
}

// ErrAbsent says that a node does not have what it was asked to use.
var ErrAbsent = errors.New("it is not there")

// Absent reports whether an error says that a function which was called is not there.
func Absent(err error) bool {
	var f *dist.Failure
	if errors.Is(err, ErrAbsent) {
		return true
	}
	return errors.As(err, &f) && (f.Reason.IsAtom("undef") || f.Reason.At(0).IsAtom("undef"))
}

// called is the error of a call that the node made and that gave something else than ok.
func called(what string, t etf.Term, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case t.IsAtom("ok"), t.At(0).IsAtom("ok"):
		return nil
	}
	return fmt.Errorf("%s: %s", what, t)
}

// elixir gives a module or another name as people write it: Shop.Repo, not 'Elixir.Shop.Repo'.
func elixir(t etf.Term) string {
	if a, ok := t.Atom(); ok {
		return strings.TrimPrefix(string(a), "Elixir.")
	}
	if s, ok := t.Text(); ok && s != "" {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(t.String(), "'Elixir.", ""), "'", "")
}

// Hook calls a function of the application, without arguments and with no deadline but
// ctx's. A module that begins with a capital letter is Elixir's. It gives what the
// function returned, as Erlang writes it, shortened.
func (d *Drain) Hook(ctx context.Context, module, function string) (string, error) {
	t, err := d.s.r.ERPC(ctx, moduleName(module), function)
	switch {
	case Absent(err):
		return "", fmt.Errorf("%s.%s/0: %w", module, function, ErrAbsent)
	case err != nil:
		return "", fmt.Errorf("%s.%s/0: %w", module, function, err)
	}
	const most = 200
	text := t.String()
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	if t.IsAtom("error") || t.At(0).IsAtom("error") {
		return text, fmt.Errorf("%s.%s/0 returned %s", module, function, text)
	}
	return text, nil
}

func moduleName(name string) string {
	name = strings.TrimPrefix(name, ":")
	if name != "" && name[0] >= 'A' && name[0] <= 'Z' && !strings.HasPrefix(name, "Elixir.") {
		return "Elixir." + name
	}
	return name
}
