package envsh

import (
	"regexp"
	"strconv"
	"strings"
)

// What a program prints.
type printed struct {
	out    text
	status int
	why    string // why status is not known
	reads  bool   // it has read its whole input
}

// A tool gives what a program prints, from what it is given and nothing else. false says that it does not know.
type tool func(h Host, args []string, in text) (printed, bool)

// tools are the programs of which that is so, called in the ways in which all of them agree (coreutils and busybox, mawk
// and gawk).
var tools = map[string]tool{
	"hostname": hostname,
	"uname":    uname,
	"cat":      cat,
	"cut":      cut,
	"tr":       tr,
	"awk":      awk,
	"sed":      sed,
	"head":     func(_ Host, args []string, in text) (printed, bool) { return headLines(args, in, false) },
	"tail":     func(_ Host, args []string, in text) (printed, bool) { return headLines(args, in, true) },
	"xargs":    xargs,
	"sleep": func(_ Host, args []string, _ text) (printed, bool) {
		return printed{}, len(args) == 1 && number.MatchString(args[0])
	},
}

var number = regexp.MustCompile(`^[0-9]{1,6}$`)

func hostname(h Host, args []string, _ text) (printed, bool) {
	name := func(s, what string) (printed, bool) {
		if s == "" {
			return printed{out: text{{why: "the pod's " + what + " is not known", filled: true}}}, true
		}
		return printed{out: known(s + "\n")}, true
	}
	if len(args) == 0 {
		return name(h.Name, "host name")
	}
	if len(args) > 1 {
		return printed{}, false
	}
	switch args[0] {
	case "-s", "--short":
		return name(h.Short, "host name")
	case "-f", "--fqdn", "--long":
		return name(h.FQDN, "full host name")
	case "-d", "--domain":
		if h.FQDN == "" {
			return name("", "domain")
		}
		_, domain, _ := strings.Cut(h.FQDN, ".")
		return printed{out: known(domain + "\n")}, true
	case "-i", "--ip-address":
		return name(strings.Join(h.Addrs, " "), "address")
	case "-I", "--all-ip-addresses":
		if h.Busybox {
			return printed{status: 1}, true
		}
		if len(h.Addrs) == 0 {
			return name("", "address")
		}
		return printed{out: known(strings.Join(h.Addrs, " ") + " \n")}, true
	}
	return printed{}, false
}

func uname(h Host, args []string, _ text) (printed, bool) {
	if len(args) != 1 || args[0] != "-n" {
		return printed{}, false
	}
	return hostname(h, nil, nil)
}

// cat without a file gives what it gets.
func cat(_ Host, args []string, in text) (printed, bool) {
	return printed{out: in, reads: true}, len(args) == 0 || len(args) == 1 && args[0] == "-"
}

// filter is for programs that go through their input line by line. They add the newline that the last line may lack.
func filter(in text, line func(i int, s string) (string, bool)) (printed, bool) {
	plain, ok := in.plain()
	if !ok {
		return printed{out: gap(in.why()), reads: true}, true
	}
	if !ascii(plain) {
		return printed{}, false
	}
	var b strings.Builder
	for i, l := range lines(plain) {
		if s, ok := line(i, l); ok {
			b.WriteString(s + "\n")
		}
	}
	return printed{out: known(b.String()), reads: true}, true
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// value reads -xVALUE and -x VALUE.
func value(args []string, flag string) (string, []string, bool) {
	if len(args) == 0 || !strings.HasPrefix(args[0], flag) {
		return "", args, false
	}
	if v := args[0][len(flag):]; v != "" {
		return v, args[1:], true
	}
	if len(args) < 2 {
		return "", args, false
	}
	return args[1], args[2:], true
}

var fieldList = regexp.MustCompile(`^([1-9][0-9]{0,3})?(-)?([1-9][0-9]{0,3})?$`)

// cut takes fields or signs: one list of the form N, N-M, N- or -M, several with commas between.
func cut(_ Host, args []string, in text) (printed, bool) {
	delim, list, chars, only := "\t", "", "", false
	for len(args) > 0 {
		var ok bool
		if args[0] == "-s" {
			only, args = true, args[1:]
			continue
		}
		v := ""
		if v, args, ok = value(args, "-d"); ok {
			delim = v
			continue
		}
		if v, args, ok = value(args, "-f"); ok {
			list = v
			continue
		}
		if v, args, ok = value(args, "-c"); ok {
			chars = v
			continue
		}
		return printed{}, false
	}
	if len(delim) != 1 || delim[0] >= 0x80 || (list == "") == (chars == "") || chars != "" && (delim != "\t" || only) {
		return printed{}, false
	}
	var want []func(int) bool
	for _, part := range strings.Split(list+chars, ",") {
		m := fieldList.FindStringSubmatch(part)
		if m == nil || part == "" || part == "-" || m[2] == "" && m[3] != "" {
			return printed{}, false
		}
		from, _ := strconv.Atoi(m[1])
		to, err := strconv.Atoi(m[3])
		switch {
		case m[2] == "":
			to = from
		case err != nil:
			to = 1 << 30
		case to < from:
			return printed{}, false
		}
		want = append(want, func(i int) bool { return i >= from && i <= to })
	}
	sep := delim
	if chars != "" {
		sep = ""
	}
	return filter(in, func(_ int, s string) (string, bool) {
		if sep != "" && !strings.Contains(s, sep) {
			return s, !only
		}
		var out []string
		for i, f := range strings.Split(s, sep) {
			for _, w := range want {
				if w(i + 1) {
					out = append(out, f)
					break
				}
			}
		}
		return strings.Join(out, sep), true
	})
}

// tr turns signs into others or drops them.
func tr(_ Host, args []string, in text) (printed, bool) {
	if len(args) != 2 {
		return printed{}, false
	}
	drop := args[0] == "-d"
	from, to := args[0], args[1]
	if drop {
		from, to = args[1], ""
	}
	a, okA := signs(from)
	b, okB := signs(to)
	if !okA || !okB || a == "" || !drop && (len(a) != len(b) && len(b) != 1) || !drop && strings.Contains(from, "[:") != strings.Contains(to, "[:") {
		return printed{}, false
	}
	plain, ok := in.plain()
	if !ok {
		return printed{out: gap(in.why()), reads: true}, true
	}
	if !ascii(plain) {
		return printed{}, false
	}
	var out strings.Builder
	for i := range len(plain) {
		switch at := strings.LastIndexByte(a, plain[i]); {
		case at < 0:
			out.WriteByte(plain[i])
		case drop:
		case at < len(b):
			out.WriteByte(b[at])
		default:
			out.WriteByte(b[len(b)-1])
		}
	}
	return printed{out: known(out.String()), reads: true}, true
}

// signs reads a set of tr's.
func signs(s string) (string, bool) {
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	switch s {
	case "[:lower:]", "a-z":
		return lower, true
	case "[:upper:]", "A-Z":
		return upper, true
	case "[:digit:]", "0-9":
		return digits, true
	case "[:space:]":
		return " \t\n\v\f\r", true
	case `\n`:
		return "\n", true
	case `\t`:
		return "\t", true
	}
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == '\\' || s[i] == '[' || s[i] == '-' && i > 0 && i < len(s)-1 || strings.IndexByte(s, s[i]) != i {
			return "", false
		}
	}
	return s, true
}

var prints = regexp.MustCompile(`^\s*(NR\s*==\s*1)?\s*\{\s*print\s*\$\s*([0-9]{1,3}|NF)\s*(;\s*exit\s*)?;?\s*\}\s*$`)

// awk prints one field.
func awk(_ Host, args []string, in text) (printed, bool) {
	sep, args, _ := value(args, "-F")
	if len(args) != 1 || len(sep) > 1 || sep != "" && strings.ContainsAny(sep, `\ t`) {
		return printed{}, false
	}
	m := prints.FindStringSubmatch(args[0])
	if m == nil {
		return printed{}, false
	}
	return filter(in, func(i int, s string) (string, bool) {
		if i > 0 && (m[1] != "" || m[3] != "") {
			return "", false
		}
		fields := strings.Fields(s)
		if sep != "" {
			fields = strings.Split(s, sep)
		}
		n := len(fields)
		if m[2] != "NF" {
			n, _ = strconv.Atoi(m[2])
		}
		switch {
		case n == 0:
			return s, true
		case n > len(fields):
			return "", true
		}
		return fields[n-1], true
	})
}

var (
	substitution = regexp.MustCompile(`^s([/|#,:@])(.*)$`)
	plainRegexp  = regexp.MustCompile(`^\^?(?:[A-Za-z0-9_ @:,/=%-]|\\\.|\\/|\.\*|\.|\[\^?[A-Za-z0-9_.@ /:-]+\]\*?)*\$?$`)
)

// sed replaces by one expression of signs, ., .*, [sets], ^ and $.
func sed(_ Host, args []string, in text) (printed, bool) {
	if len(args) == 2 && args[0] == "-e" {
		args = args[1:]
	}
	if len(args) != 1 {
		return printed{}, false
	}
	m := substitution.FindStringSubmatch(args[0])
	if m == nil {
		return printed{}, false
	}
	parts, ok := cutParts(m[2], m[1][0])
	if !ok || parts[0] == "" || !plainRegexp.MatchString(parts[0]) || strings.ContainsAny(parts[1], "&\\\n") || parts[2] != "" && parts[2] != "g" {
		return printed{}, false
	}
	re, err := regexp.CompilePOSIX(strings.ReplaceAll(parts[0], `\/`, "/"))
	if err != nil {
		return printed{}, false
	}
	if parts[2] == "g" && re.MatchString("") {
		return printed{}, false
	}
	plain, ok := in.plain()
	if ok && plain != "" && !strings.HasSuffix(plain, "\n") {
		// sed leaves a last line without a newline as it is, busybox does not always.
		return printed{}, false
	}
	return filter(in, func(_ int, s string) (string, bool) {
		if parts[2] == "g" {
			if strings.HasPrefix(parts[0], "^") {
				parts[2] = ""
			} else {
				return re.ReplaceAllLiteralString(s, parts[1]), true
			}
		}
		at := re.FindStringIndex(s)
		if at == nil {
			return s, true
		}
		return s[:at[0]] + parts[1] + s[at[1]:], true
	})
}

// cutParts cuts a/b/flags apart.
func cutParts(s string, sep byte) (parts [3]string, ok bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			parts[n] += s[i : i+2]
			i++
		case s[i] == sep:
			if n++; n > 2 {
				return parts, false
			}
		default:
			parts[n] += s[i : i+1]
		}
	}
	return parts, n == 2
}

var count = regexp.MustCompile(`^-n?([0-9]{1,4})$`)

// headLines is head, and tail where last.
func headLines(args []string, in text, last bool) (printed, bool) {
	n := 10
	switch {
	case len(args) == 2 && args[0] == "-n":
		args = []string{"-n" + args[1]}
		fallthrough
	case len(args) == 1:
		m := count.FindStringSubmatch(args[0])
		if m == nil {
			return printed{}, false
		}
		n, _ = strconv.Atoi(m[1])
	case len(args) > 0:
		return printed{}, false
	}
	plain, ok := in.plain()
	if !ok {
		return printed{out: gap(in.why()), reads: true}, true
	}
	all := strings.SplitAfter(plain, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	n = min(n, len(all))
	if last {
		all = all[len(all)-n:]
	} else {
		all = all[:n]
	}
	return printed{out: known(strings.Join(all, "")), reads: true}, true
}

// xargs without a program prints its words in one line.
func xargs(_ Host, args []string, in text) (printed, bool) {
	plain, ok := in.plain()
	if len(args) > 0 {
		return printed{}, false
	}
	if !ok {
		return printed{out: gap(in.why()), reads: true, why: in.why()}, true
	}
	words := strings.Fields(plain)
	if strings.ContainsAny(plain, "\\'\"") || len(plain) > 1000 || len(words) == 0 || words[0][0] == '-' {
		return printed{}, false
	}
	return printed{out: known(strings.Join(words, " ") + "\n"), reads: true}, true
}
