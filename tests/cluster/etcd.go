package main

import (
	"errors"
	"net/url"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd serves an etcd with one member on a socket in the folder.
func startEtcd(folder string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir = filepath.Join(folder, "etcd")
	config.ListenClientUrls = []url.URL{{Scheme: "unix", Path: etcdSocket(folder)}}
	config.ListenPeerUrls = []url.URL{{Scheme: "unix", Path: filepath.Join(folder, "peer.sock")}}
	config.UnsafeNoFsync = true // nothing is to outlive the process
	config.LogLevel = "fatal"
	config.LogOutputs = []string{"stderr"}
	store, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, nil
	case err := <-store.Err():
		store.Close()
		return nil, err
	case <-time.After(time.Minute):
		store.Close()
		return nil, errors.New("etcd did not become ready in a minute")
	}
}

func etcdSocket(folder string) string { return filepath.Join(folder, "etcd.sock") }
