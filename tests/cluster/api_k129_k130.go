//go:build k129 || k130

package main

import (
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

func listen(config *embed.Config, client, peer url.URL) {
	config.LCUrls, config.LPUrls = []url.URL{client}, []url.URL{peer}
}
