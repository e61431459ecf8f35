package beam

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseName(t *testing.T) {
	tests := []struct {
		in       string
		want     Name
		form     Form
		long, lo bool
	}{
		{"shop@10.0.0.7", Name{"shop", "10.0.0.7"}, LongIPv4, true, false},
		{"shop@127.0.0.1", Name{"shop", "127.0.0.1"}, LongIPv4, true, true},
		{"shop@127.77.0.3", Name{"shop", "127.77.0.3"}, LongIPv4, true, false},
		{"shop@fd00::7", Name{"shop", "fd00::7"}, LongIPv6, true, false},
		{"shop@::1", Name{"shop", "::1"}, LongIPv6, true, true},
		{"shop@shop-0.shop.prod.svc.cluster.local", Name{"shop", "shop-0.shop.prod.svc.cluster.local"}, LongHost, true, false},
		{"shop@pod-1", Name{"shop", "pod-1"}, Short, false, false},
		{"shop@localhost", Name{"shop", "localhost"}, Short, false, true},
		{"rpc-8f_2-shop@pod-1", Name{"rpc-8f_2-shop", "pod-1"}, Short, false, false},
	}
	for _, tt := range tests {
		n, err := ParseName(tt.in)
		if err != nil || n != tt.want || n.Form() != tt.form || n.Long() != tt.long || n.Loopback() != tt.lo || n.String() != tt.in {
			t.Errorf("%q: %+v, %v, long %v, loopback %v, error %v", tt.in, n, n.Form(), n.Long(), n.Loopback(), err)
		}
	}
}

// What is wrong has to be said in words that lead to the mistake.
func TestParseNameSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ in, says string }{
		{"", "is empty"},
		{"shop", "no host part"},
		{"@10.0.0.7", "nothing before the @"},
		{"shop@", "was the variable for the host empty"},
		{"shop@a@b", "more than one @"},
		{"sh op@10.0.0.7", `' ' may not stand before the @`},
		{"shop@10.0.0.7 fd00::7", "several addresses"},
		{"shop@10.0.0.7\n", "line end"},
		{"shop@$(POD_IP)", "unexpanded variable"},
		{"shop@${POD_IP}", "unexpanded variable"},
		{"shop@.svc.cluster.local", "was a variable in it empty"},
		{"shop@pod-0..svc", "was a variable in it empty"},
		{"shop@10.0.0.7:4369", "a port does not belong"},
		{"shop@höst", `has 'ö'`},
		{"shop@" + strings.Repeat("a", 64) + ".svc", "DNS allows 63"},
		{"shop@" + strings.Repeat("a.", 150) + "b", "at most 255"},
		{"shop@\xff", "not UTF-8"},
	}
	for _, tt := range tests {
		_, err := ParseName(tt.in)
		var e *NameError
		if !errors.As(err, &e) || e.Name != tt.in || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want …%s…", tt.in, err, tt.says)
		}
	}
}

// A name that is taken apart and put together is the same, and nothing makes it panic.
func TestParseNameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z_-]{0,3}@[a-z0-9.:$@-]{0,12}`)).Draw(t, "name")
		if n, err := ParseName(s); err == nil && n.String() != s {
			t.Fatalf("%q became %q", s, n)
		}
	})
}
