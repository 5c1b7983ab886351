//go:build k137

package main

import (
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

func listen(config *embed.Config, client, peer url.URL) {
	config.ListenClientUrls, config.ListenPeerUrls = []url.URL{client}, []url.URL{peer}
}
