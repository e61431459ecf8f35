package image

import (
	"bufio"
	"bytes"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/tree"
)

// Where a release's own files set a cookie to something that stands there: -setcookie in
// vm.args, RELEASE_COOKIE in env.sh or a script of bin/. What a variable gives is no finding.
var (
	flagCookie = regexp.MustCompile(`^\s*-setcookie\s+[^\s$]`)
	envCookie  = regexp.MustCompile(`^\s*(?:export\s+)?RELEASE_COOKIE=['"]?[^\s$'"` + "`" + `]`)
)

// cookiesIn finds the files that would publish a cookie. The cookie itself is in nothing
// that it says.
func cookiesIn(files tree.Tree) (all []finding.Finding, err error) {
	for _, f := range files {
		below := strings.TrimPrefix(f.Path, Root+"/")
		base := path.Base(below)
		var form *regexp.Regexp
		switch {
		case !f.Mode.IsRegular() || f.Size > 1<<20:
		case strings.HasPrefix(below, "releases/") && strings.HasSuffix(base, "vm.args"):
			form = flagCookie
		case strings.HasPrefix(below, "releases/") && base == "env.sh", path.Dir(below) == "bin":
			form = envCookie
		}
		if form == nil {
			continue
		}
		text, err := f.Content()
		if err != nil {
			return nil, err
		}
		text, _, _ = bytes.Cut(text, []byte(guard))
		n := 0
		for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
			n++
			if form.Match(sc.Bytes()) {
				all = append(all, finding.New(finding.CookieInImage, f.Path, nil, "line "+strconv.Itoa(n)))
				break
			}
		}
	}
	return all, nil
}
