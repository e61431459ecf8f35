package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"

	"github.com/phialdev/phial/internal/image/tree"
)

// erts adds the emulators of the release, and Erlang/OTP as a whole where its version is known: that is the name under
// which vulnerabilities are listed. The references of the emulators are returned.
func (b *builder) erts() []string {
	version := strings.TrimRight(b.in.OTPVersion, "* \n")
	var refs []string
	for _, f := range b.in.Release {
		below, ok := strings.CutPrefix("/"+f.Path, path.Join("/", b.in.Root, "/")+"/")
		if !ok {
			continue
		}
		parts := strings.Split(below, "/")
		if len(parts) == 3 && parts[0] == "releases" && parts[2] == "OTP_VERSION" {
			if text, err := f.Content(); err == nil {
				version = strings.TrimRight(string(text), "* \n") // asterisks say that it was patched
			}
		}
		vsn, ok := strings.CutPrefix(parts[0], "erts-")
		ref := "erts@" + vsn
		if !ok || vsn == "" || slices.Contains(refs, ref) {
			continue
		}
		c := cyclonedx.Component{
			BOMRef: ref, Type: cyclonedx.ComponentTypePlatform, Name: "erts", Version: vsn,
			Description: "the Erlang emulator", Supplier: supplier("Erlang/OTP", "https://www.erlang.org"),
			PackageURL: otpURL("erts", vsn, otpRepository), Evidence: at("/" + path.Join(b.in.Root, parts[0])),
		}
		properties := []cyclonedx.Property{{Name: "phial:origin", Value: "otp"}}
		if g := generation(vsn); g != "" {
			properties = append(properties, cyclonedx.Property{Name: "phial:otp-release", Value: g})
		}
		c.Properties = &properties
		b.add(c)
		refs = append(refs, ref)
	}
	if version != "" {
		ref := "otp@" + version
		b.add(cyclonedx.Component{
			BOMRef: ref, Type: cyclonedx.ComponentTypePlatform, Name: "erlang", Version: version, Description: "Erlang/OTP",
			Supplier:   supplier("Erlang/OTP", "https://www.erlang.org"),
			CPE:        cpe("erlang", `erlang\/otp`, version),
			PackageURL: purl{kind: "github", namespace: "erlang", name: "otp", version: "OTP-" + version}.String(),
			Properties: &[]cyclonedx.Property{{Name: "phial:origin", Value: "otp"}},
		}, refs...)
	}
	return refs
}

// generation is OTP's release number: since OTP 17 it is 12 above ERTS' first number.
func generation(erts string) string {
	major, _, _ := strings.Cut(erts, ".")
	n, err := strconv.Atoi(major)
	if err != nil || n < 5 {
		return ""
	}
	return strconv.Itoa(n + 12)
}

// nativeFile is machine code in an application's priv: a NIF, a driver or a program. Others compiled it, or the machine
// that built the release did, from sources that no lock names.
func nativeFile(f tree.File) (cyclonedx.Component, error) {
	sum, err := checksum(f)
	if err != nil {
		return cyclonedx.Component{}, fmt.Errorf("read %s for the SBOM: %w", f.Path, err)
	}
	return cyclonedx.Component{BOMRef: "file/" + f.Path, Type: cyclonedx.ComponentTypeFile, Name: "/" + f.Path, Hashes: sha(sum)}, nil
}

// isNative says whether a file is to be loaded or run as machine code: it begins as that does on Linux. Only those are
// opened that may be, since a web application's priv holds many others.
func isNative(f tree.File) (bool, error) {
	if !f.Mode.IsRegular() || f.Mode != tree.ModeExecutable && !strings.Contains(path.Base(f.Path), ".so") {
		return false, nil
	}
	r, err := f.Open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	head := make([]byte, 4)
	switch _, err := io.ReadFull(r, head); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return false, nil // shorter than that
	case err != nil:
		return false, err
	}
	return string(head) == "\x7fELF", nil
}

func checksum(f tree.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
