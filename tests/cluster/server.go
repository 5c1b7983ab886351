package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
)

// users of the static token file: name of the token, user, groups. Service accounts come by impersonation, which the administrator may do.
var users = []struct{ token, user, groups string }{
	{"admin", "admin", "system:masters"},
	{"user", "jane", "developers"},
	{"node", "system:node:worker", "system:nodes"},
}

// apiServer is a kube-apiserver that is to run in this process.
type apiServer struct {
	url     string
	ca      []byte            // PEM
	tokens  map[string]string // by the names in users
	flags   []string
	isReady bool
	ended   chan struct{}
	failure error // of kube-apiserver, once it has ended
}

// newServer writes what the server reads (certificate, keys, tokens, audit policy) to the folder. The flags given take the place of those of the same name.
func newServer(folder string, given []string) (*apiServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	server := &apiServer{url: fmt.Sprintf("https://127.0.0.1:%d", port), tokens: map[string]string{}, ended: make(chan struct{})}
	if err := server.writeCertificate(folder); err != nil {
		return nil, err
	}
	if err := server.writeTokens(filepath.Join(folder, "tokens.csv")); err != nil {
		return nil, err
	}
	if err := writeSigningKey(filepath.Join(folder, "accounts.key")); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
	server.flags = mergeFlags(defaultFlags(folder, port), given)
	return server, nil
}

func defaultFlags(folder string, port int) []string {
	in := func(name string) string { return filepath.Join(folder, name) }
	return append([]string{
		"--etcd-servers=unix://" + etcdSocket(folder),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // loopback is no address for an Endpoints object
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + in("serving.crt"),
		"--tls-private-key-file=" + in("serving.key"),
		"--cert-dir=" + in("certificates"),
		"--token-auth-file=" + in("tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + in("accounts.key"),
		"--service-account-signing-key-file=" + in("accounts.key"),
		"--service-cluster-ip-range=10.0.0.0/16",
		"--authorization-mode=Node,RBAC", // as kubeadm has it
		"--allow-privileged=true",
		"--audit-policy-file=" + in("audit-policy.yaml"),
		"--audit-log-path=" + in("audit.log"),
		"--audit-log-mode=blocking", // written when the request is done, not some time later
		"--audit-log-maxsize=10000", // megabytes: no second file
	}, releaseFlags...)
}

// auditPolicy keeps an event for each request that admission sees, without objects.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  users: ["system:apiserver"]
- level: Metadata
`

// mergeFlags gives the defaults without those that are given, and what is given: a list flag given twice would be the sum of both.
func mergeFlags(defaults, given []string) []string {
	name := func(flag string) string { return strings.SplitN(flag, "=", 2)[0] }
	kept := slices.DeleteFunc(defaults, func(flag string) bool {
		return slices.ContainsFunc(given, func(other string) bool { return name(other) == name(flag) })
	})
	return append(kept, given...)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// writeCertificate makes a certificate authority and a serving certificate for loopback.
func (s *apiServer) writeCertificate(folder string) error {
	chain, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"})
	if err != nil {
		return err
	}
	_, s.ca = pem.Decode(chain) // the chain is the serving certificate, then its authority
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "serving.crt"), chain, 0o600),
		os.WriteFile(filepath.Join(folder, "serving.key"), key, 0o600),
	)
}

// writeTokens writes the static token file: token, user, uid, groups.
func (s *apiServer) writeTokens(file string) error {
	var rows [][]string
	for _, user := range users {
		token := make([]byte, 16)
		if _, err := rand.Read(token); err != nil {
			return err
		}
		s.tokens[user.token] = hex.EncodeToString(token)
		rows = append(rows, []string{s.tokens[user.token], user.user, user.token, user.groups})
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(csv.NewWriter(out).WriteAll(rows), out.Close())
}

// writeSigningKey makes the key that tokens of service accounts are signed with.
func writeSigningKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

// start runs the command of kube-apiserver; ended is closed when it returns.
func (s *apiServer) start(command *cobra.Command) {
	command.SetArgs(s.flags)
	command.SilenceErrors = true
	command.SetOut(os.Stderr) // standard output is for the one line
	go func() {
		defer close(s.ended)
		s.failure = command.Execute()
	}()
}

// waitReady waits until /readyz answers ok, and sets isReady. It is no error that the API server ends before: shutDown tells why. Nor does it end
// before its time: what the API server does at its start ends the process when it is broken off, and nothing would be cleaned up.
func (s *apiServer) waitReady(timeout time.Duration) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	last := "no answer yet"
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		if last = s.readiness(client); last == "ok" {
			s.isReady = true
			return nil
		}
		select {
		case <-s.ended:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("kube-apiserver was not ready after %s; /readyz said:\n%s", timeout, last)
}

func (s *apiServer) readiness(client *http.Client) string {
	request, err := http.NewRequest(http.MethodGet, s.url+"/readyz", nil)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+s.tokens["admin"])
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// shutDown asks kube-apiserver to end if it has not, waits for it and tells how it ended.
func (s *apiServer) shutDown() error {
	select {
	case <-s.ended:
	default:
		genericapiserver.RequestShutdown()
		<-s.ended
	}
	return s.failure
}

// config is that of a client with one of the tokens.
func (s *apiServer) config(token string) *rest.Config {
	return &rest.Config{Host: s.url, BearerToken: s.tokens[token], TLSClientConfig: rest.TLSClientConfig{CAData: s.ca}, QPS: 100, Burst: 200}
}
