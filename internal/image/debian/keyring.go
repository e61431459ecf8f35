package debian

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// debianKeyring is where the package debian-archive-keyring puts Debian's keys.
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// keySpec says which keys may sign an archive; the zero value means Debian's own.
type keySpec struct {
	files        []string
	fingerprints []string // upper case; of keys in Debian's own keyring
	armored      string   // a block of keys that stands in the sources themselves
}

// parseSignedBy reads the option Signed-By: files, fingerprints, or a block of keys.
func parseSignedBy(value string) (k keySpec) {
	if strings.Contains(value, "-----BEGIN PGP") {
		for line := range strings.Lines(value) {
			line = strings.TrimSpace(line)
			if line == "." { // an empty line, which would end the stanza
				line = ""
			}
			k.armored += line + "\n"
		}
		return keySpec{armored: strings.TrimLeft(k.armored, "\n")}
	}
	for _, f := range strings.Fields(value) {
		if strings.HasPrefix(f, "/") {
			k.files = append(k.files, f)
			continue
		}
		k.fingerprints = append(k.fingerprints, strings.ToUpper(strings.TrimSuffix(f, "!")))
	}
	return k
}

// keyring is a set of keys, and what to call it in a message.
type keyring struct {
	keys openpgp.EntityList
	name string
}

// load reads the keys; standard is the file of Debian's own.
func (k keySpec) load(standard string) (keyring, error) {
	if k.armored != "" {
		keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(k.armored))
		if err != nil {
			return keyring{}, fmt.Errorf("the keys in the apt sources (Signed-By) can't be read: %w; give a keyring file with --keyring", err)
		}
		return keyring{keys, "the keys of the apt sources (Signed-By)"}, nil
	}
	files := k.files
	if len(files) == 0 {
		files = []string{standard}
	}
	all := keyring{name: strings.Join(files, ", ")}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && name == debianKeyring {
			b, err = os.ReadFile(strings.TrimSuffix(name, ".gpg") + ".pgp") // its name since forky
		}
		if errors.Is(err, fs.ErrNotExist) && name == debianKeyring {
			return keyring{}, fmt.Errorf("%s, which holds Debian's keys, is missing: install the package debian-archive-keyring, or give a file of keys with --keyring", name)
		}
		if err != nil {
			return keyring{}, fmt.Errorf("the keyring can't be read: %w; give another with --keyring", err)
		}
		read := openpgp.ReadKeyRing
		if bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN")) {
			read = openpgp.ReadArmoredKeyRing
		}
		keys, err := read(bytes.NewReader(b))
		if err != nil {
			return keyring{}, fmt.Errorf("%s is no OpenPGP keyring: %w; give a file of public keys with --keyring", name, err)
		}
		all.keys = append(all.keys, keys...)
	}
	if len(k.fingerprints) > 0 {
		all.keys = slices.DeleteFunc(all.keys, func(e *openpgp.Entity) bool {
			return !slices.ContainsFunc(k.fingerprints, func(want string) bool { return hasFingerprint(e, want) })
		})
	}
	if len(all.keys) == 0 {
		return keyring{}, fmt.Errorf("%s holds none of the keys that the apt sources name: give a keyring file with --keyring", all.name)
	}
	return all, nil
}

func hasFingerprint(e *openpgp.Entity, want string) bool {
	is := func(k *packet.PublicKey) bool { return strings.EqualFold(hex.EncodeToString(k.Fingerprint), want) }
	return is(e.PrimaryKey) || slices.ContainsFunc(e.Subkeys, func(s openpgp.Subkey) bool { return is(s.PublicKey) })
}

// verify gives the text of a clear-signed file, if one of the keys has signed it. name is
// what messages call the file.
func (k keyring) verify(name string, raw []byte, now time.Time) ([]byte, error) {
	block, _ := clearsign.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s is refused: it carries no signature; is this a Debian mirror?", name)
	}
	err := k.check(block, now)
	switch {
	case err == nil:
		return block.Bytes, nil // what was hashed, to the byte
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return nil, fmt.Errorf("%s is refused: none of the keys that signed it is in %s; give the archive's keyring with --keyring, or update debian-archive-keyring", name, k.name)
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrSignatureExpired):
		return nil, fmt.Errorf("%s is refused: %w; check this machine's clock, or update debian-archive-keyring", name, err)
	}
	return nil, fmt.Errorf("%s is refused: its signature is wrong (%w); what this mirror serves was changed or damaged, use another", name, err)
}

// check wants one good signature. Debian signs with the keys of several releases, of which
// we may lack one, another may have expired, and the next be of a kind that isn't known here.
// The library by itself looks only at the first whose key it has.
func (k keyring) check(block *clearsign.Block, now time.Time) error {
	config := &packet.Config{Time: func() time.Time { return now }}
	worst := pgperrors.ErrUnknownIssuer
	for packets := packet.NewReader(block.ArmoredSignature.Body); ; {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return worst
		}
		if errors.As(err, new(pgperrors.UnsupportedError)) {
			continue
		}
		if err != nil {
			return err
		}
		signature, ok := p.(*packet.Signature)
		if !ok {
			continue
		}
		var one bytes.Buffer
		if err := signature.Serialize(&one); err != nil {
			return err
		}
		_, _, err = openpgp.VerifyDetachedSignature(k.keys, bytes.NewReader(block.Bytes), &one, config)
		if err == nil {
			return nil
		}
		if !errors.Is(err, pgperrors.ErrUnknownIssuer) {
			worst = err
		}
	}
}
