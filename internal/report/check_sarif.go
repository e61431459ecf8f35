package report

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/finding"
)

// SARIF 2.1.0 as OASIS defines it; only what a check fills.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
		Invocations []sarifInvocation `json:"invocations"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string       `json:"id"`
		Name    string       `json:"name"`
		Short   sarifText    `json:"shortDescription"`
		Full    sarifText    `json:"fullDescription"`
		Help    sarifText    `json:"help"`
		Default sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]string  `json:"properties"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		ID       int           `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

// CheckSARIF writes a check as SARIF 2.1.0. What was suppressed is in it, marked so.
func CheckSARIF(w io.Writer, r check.Report, version string) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "phial", Version: version, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
	}
	index := map[finding.Code]int{}
	for _, rule := range check.Rules() {
		index[rule.Code] = len(run.Tool.Driver.Rules)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: string(rule.Code), Name: rule.Title, Short: sarifText{rule.Title}, Full: sarifText{rule.Why},
			Help: sarifText{rule.Looks + "\n\n" + rule.Why + "\n\nFix: " + rule.Fix}, Default: sarifDefault{sarifLevel(rule.Severity)},
		})
	}
	for _, f := range r.Findings {
		run.Results = append(run.Results, sarifOf(f, index))
	}
	for _, s := range r.Suppressed {
		result := sarifOf(s.Finding, index)
		kind := "external"
		if strings.HasPrefix(s.By, s.Finding.At.File+":") {
			kind = "inSource"
		}
		result.Suppressions = []sarifSuppression{{kind, s.Reason}}
		run.Results = append(run.Results, result)
	}
	done := sarifInvocation{ExecutionSuccessful: true}
	for _, l := range notChecked(r) {
		done.Notifications = append(done.Notifications, sarifNotification{"note", sarifText{l}})
	}
	run.Invocations = []sarifInvocation{done}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}); err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

func sarifLevel(s finding.Severity) string {
	if s == finding.Info {
		return "note"
	}
	return s.String()
}

func sarifOf(f check.Finding, index map[finding.Code]int) sarifResult {
	result := sarifResult{
		RuleID: string(f.Code), RuleIndex: index[f.Code], Level: sarifLevel(f.Severity), Message: sarifText{checkMessage(f)},
		Locations:    []sarifLocation{sarifPlace(f.At)},
		Fingerprints: map[string]string{"phial/v1": f.Fingerprint},
		Properties:   map[string]string{"subject": f.Subject, "confidence": f.Confidence.String(), "fix": f.Fix},
	}
	for i, also := range f.Related {
		l := sarifPlace(also.Span)
		l.ID, l.Message = i+1, &sarifText{also.Text}
		result.Related = append(result.Related, l)
	}
	return result
}

// checkMessage is a finding in a few sentences, with what goes with it.
func checkMessage(f check.Finding) string {
	text := f.Cause
	if f.Subject != "" && f.Subject != f.At.File {
		text = f.Subject + ": " + text
	}
	text += ". Fix: " + f.Fix
	for _, b := range f.Beneath {
		text += fmt.Sprintf(". With it goes %s: %s", b.Code, b.Cause)
	}
	return text
}

func sarifPlace(at check.Span) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{uri(at.File)}}}
	if at.Line > 0 {
		l.Physical.Region = &sarifRegion{at.Line, at.Column, at.EndLine, at.EndColumn}
	}
	return l
}

// uri is a file's name as a relative reference: what a URI has a meaning for is escaped.
func uri(file string) string {
	var b strings.Builder
	for _, c := range []byte(filepath.ToSlash(file)) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`%?#"<>\^{|}[]`+"`", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
