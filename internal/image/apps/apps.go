// Package apps knows the applications that a release is made of: which ones are Erlang/OTP's
// and Elixir's own, how their directories are called, and what their .app files say.
package apps

import (
	"slices"
	"strings"
)

// otp are the applications of Erlang/OTP 25 to 29, in the order of the alphabet. erl_docgen
// is gone since 27. Where a distribution splits OTP into packages, a machine has only some.
var otp = []string{
	"asn1", "common_test", "compiler", "crypto", "debugger", "dialyzer", "diameter", "edoc",
	"eldap", "erl_docgen", "erl_interface", "erts", "et", "eunit", "ftp", "inets", "jinterface",
	"kernel", "megaco", "mnesia", "observer", "odbc", "os_mon", "parsetools", "public_key",
	"reltool", "runtime_tools", "sasl", "snmp", "ssh", "ssl", "stdlib", "syntax_tools", "tftp",
	"tools", "wx", "xmerl",
}

// elixir are the applications of Elixir's own repository.
var elixir = []string{"eex", "elixir", "ex_unit", "iex", "logger", "mix"}

// OTP says whether an application is Erlang/OTP's own.
func OTP(name string) bool { return has(otp, name) }

// Elixir says whether an application is Elixir's own.
func Elixir(name string) bool { return has(elixir, name) }

func has(sorted []string, name string) bool {
	_, ok := slices.BinarySearch(sorted, name)
	return ok
}

// Split takes the name of a directory of lib apart, NAME-VSN. The name ends at the first
// dash that a digit follows: a version may have dashes of its own, as 1.0.0-rc.1.
func Split(dir string) (name, vsn string, ok bool) {
	for i := 1; i+1 < len(dir); i++ {
		if dir[i] == '-' && dir[i+1] >= '0' && dir[i+1] <= '9' {
			if strings.Contains(dir, "/") {
				return "", "", false
			}
			return dir[:i], dir[i+1:], true
		}
	}
	return "", "", false
}
