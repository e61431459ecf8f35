package plan

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/internal/beam"
)

// wantsConfigMap reports whether the VM has files to read.
func (s *settings) wantsConfigMap() bool { return s.clustered && (s.tls || !s.epmd) }

// configMap holds the files that the VM and the tools read.
func configMap(s *settings) *corev1.ConfigMap {
	if !s.wantsConfigMap() {
		return nil
	}
	cm := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: s.meta(ConfigMapName(s.app.Name), ComponentNode),
		Data:       map[string]string{},
	}
	if s.tls {
		cm.Data[FileTLSOptions] = tlsOptions()
	}
	if !s.epmd {
		// All nodes listen on the one port that everybody knows; a tool beside one must not.
		cm.Data[FileRemoteVMArgs] = "-" + beam.FlagDistListen + " false\n"
	}
	return cm
}

// tlsOptions is the file of -ssl_dist_optfile: who has no certificate of the authority in
// the Secret is neither let in nor talked to.
//
// All replicas have the same certificate, since they have the same Secret, so the name
// in it says no more than that it is one of them: it is not compared with the node's
// host. OTP 25 compares it all the same; there the certificate has to list every
// replica's host name, which only Stable identities have in advance.
func tlsOptions() string {
	common := fmt.Sprintf(`{cacertfile,"%[1]s/ca.crt"},{certfile,"%[1]s/tls.crt"},{keyfile,"%[1]s/tls.key"},{verify,verify_peer}`, PathTLS)
	return strings.Join([]string{
		"[{server,[" + common + ",{fail_if_no_peer_cert,true}]},",
		" {client,[" + common + ",{server_name_indication,disable}]}].",
		"",
	}, "\n")
}
