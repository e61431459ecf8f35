package scaffold

import (
	"bytes"
	"embed"
	"encoding/json"
	"regexp"
	"strings"
	"text/template"

	"github.com/phialdev/phial/internal/beam"
)

//go:embed templates
var embedded embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"yaml": yamlText,
	"flow": flow,
	"join": strings.Join,
	"json": func(s ...string) (string, error) {
		b, err := json.Marshal(s)
		return strings.ReplaceAll(string(b), `","`, `", "`), err
	},
}).ParseFS(embedded, "templates/*.tmpl"))

func execute(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name+".tmpl", data)
	return b.Bytes(), err
}

// plain are texts that YAML takes as they are, and as texts.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@-]*(:[A-Za-z0-9_./@-]+)*$`)

// reserved are words that YAML takes for something else.
var reserved = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n)$`)

// yamlText writes a text as YAML: quoted as JSON, where it has to be.
func yamlText(s string) (string, error) {
	if plain.MatchString(s) && !reserved.MatchString(s) {
		return s, nil
	}
	b, err := json.Marshal(s)
	return string(b), err
}

// flow writes texts as a list in one line.
func flow(all []string) (string, error) {
	parts := make([]string, len(all))
	for i, s := range all {
		var err error
		if parts[i], err = yamlText(s); err != nil {
			return "", err
		}
		if strings.Contains(parts[i], ":") && parts[i] == s {
			parts[i] = `"` + s + `"`
		}
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

// rel is what the release's own templates show.
func rel() map[string]string {
	return map[string]string{
		"EnvCookieFile": beam.EnvPhialCookieFile, "CookieFile": beam.DefaultCookieFile, "EnvCookie": beam.EnvReleaseCookie,
		"EnvNode": beam.EnvReleaseNode, "EnvDistribution": beam.EnvReleaseDistribution, "Distribution": beam.DistributionName,
	}
}
