// The cluster: an embedded etcd, the real kube-apiserver and the controller that type-checks policies, in one process on loopback. README.md tells how to use it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// ready is the line that the program prints when the API server serves.
type ready struct {
	URL     string            `json:"url"`
	CA      string            `json:"ca"`     // PEM
	Tokens  map[string]string `json:"tokens"` // by the name of the user
	Version string            `json:"version"`
	Folder  string            `json:"folder"`
}

func main() {
	timeout := flag.Duration("timeout", 2*time.Minute, "how long the API server may take to become ready")
	folder := flag.String("folder", "", "for the files of the cluster, removed at the end; by default a new one in the folder for temporary files")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: cluster [-timeout 2m] [-folder FOLDER] [-- FLAGS OF kube-apiserver]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(flag.Args(), *folder, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// run serves until standard input ends or SIGTERM or SIGINT comes, and leaves no file behind. kube-apiserver takes the signals; when it has ended, etcd
// and the folder go.
func run(flags []string, folder string, timeout time.Duration) (err error) {
	command := app.NewAPIServerCommand()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if folder == "" {
		if folder, err = os.MkdirTemp("", "hostprocess-cluster-"); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	klog.OsExit = func(code int) { // where kube-apiserver gives up
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}
	store, err := startEtcd(folder)
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := newServer(folder, flags)
	if err != nil {
		return err
	}
	server.start(command)
	if err := serve(ctx, server, folder, timeout); err != nil {
		return errors.Join(err, server.shutDown())
	}
	return server.shutDown()
}

// serve waits for the API server, tells of it, and waits until it or ctx ends.
func serve(ctx context.Context, server *apiServer, folder string, timeout time.Duration) error {
	if err := server.waitReady(timeout); err != nil {
		return err
	}
	if !server.isReady {
		return nil
	}
	if err := startTypeChecking(ctx, server.config("admin")); err != nil {
		return err
	}
	line := ready{URL: server.url, CA: string(server.ca), Tokens: server.tokens, Version: moduleVersion("k8s.io/kubernetes"), Folder: folder}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-server.ended:
	}
	return nil
}

// moduleVersion tells which version of a module is compiled in.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return ""
}
