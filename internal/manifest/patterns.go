package manifest

import (
	"regexp"
	"strings"
)

// plainPatterns say in words what the schema's patterns demand.
var plainPatterns = map[string]string{
	`^/`:                           "must begin with /",
	`^\S+$`:                        "must have no space in it and not be empty",
	`^[^\s,]+$`:                    "must have neither space nor comma in it and not be empty",
	`^[A-Za-z0-9._-]+$`:            "must be of letters, digits, ., _ and - alone",
	`^[a-z][a-z0-9_]*$`:            "must be of a to z, 0 to 9 and _ alone, beginning with a letter",
	`^[a-z]([-a-z0-9]*[a-z0-9])?$`: "must be of a to z, 0 to 9 and - alone, beginning with a letter and not ending with -",
	`^[a-z_][A-Za-z0-9_]*[?!]?$`:   "must be the name of a function, such as migrate",
	`^[A-Z][A-Za-z0-9_]*(\.[A-Z][A-Za-z0-9_]*)*$`:                       "must be the name of a module, such as MyApp.Release",
	`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`: "must be a name as in DNS: of a to z, 0 to 9, - and ., beginning and ending with a letter or digit",
}

var pattern = regexp.MustCompile(`^must match '(.*)'`)

// plainPattern puts words in the place of a pattern; what has none stays.
func plainPattern(detail string) string {
	m := pattern.FindStringSubmatch(detail)
	switch {
	case m == nil:
		return detail
	case strings.Contains(m[1], "[KMGTPE]i"):
		return "must be a quantity such as 512Mi or 500m"
	}
	if words, ok := plainPatterns[m[1]]; ok {
		return words
	}
	return detail
}

// yamlAdvice is what to do about what the YAML library says, by how that begins. Those that
// say it themselves are not here.
var yamlAdvice = []struct{ said, advice string }{
	{"did not find expected node content", "a [ or { is open, or a comma has nothing before it: close it, or add the value"},
	{"did not find expected ',' or ']'", "a [ is open, or a comma is missing in its list"},
	{"did not find expected ',' or '}'", "a { is open, or a comma is missing in its mapping"},
	{"did not find expected key", "indent it as the fields beside it are"},
	{"did not find expected '-' indicator", "begin each entry of the list with - in the same column"},
	{"did not find expected alphabetic or numeric character", "quote text that has a * or & in front"},
	{"mapping values are not allowed in this context", "quote text that has a colon and a space in it, or begin a new line for the field"},
	{"found unexpected end of stream", "a quote is open: close it"},
	{"found character that cannot start any token", "quote text that begins with @, ` or %"},
	{"could not find expected ':'", "end the field's name with a colon and a space, or close what is open above it"},
	{"found unknown escape character", "write \\\\ for a backslash in double quotes, or use single quotes"},
	{"unknown anchor", "write the anchor before it, with & in front, or quote text that begins with *"},
}

// advised adds what to do to what the YAML library says.
func advised(said string) string {
	for _, a := range yamlAdvice {
		if strings.HasPrefix(said, a.said) {
			return said + "; " + a.advice
		}
	}
	return said
}
