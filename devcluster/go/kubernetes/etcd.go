package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
)

// newEtcdCommand runs a one-member etcd that never calls fsync: the cluster's state is thrown away with it.
func newEtcdCommand() *cobra.Command {
	return &cobra.Command{
		Use:          "etcd DATADIR CLIENTURL PEERURL",
		Args:         cobra.ExactArgs(3),
		SilenceUsage: true,
		RunE:         func(_ *cobra.Command, args []string) error { return serveEtcd(args[0], args[1], args[2]) },
	}
}

func serveEtcd(dir, clientURL, peerURL string) error {
	client, err := url.Parse(clientURL)
	if err != nil {
		return fmt.Errorf("client URL: %w", err)
	}
	peer, err := url.Parse(peerURL)
	if err != nil {
		return fmt.Errorf("peer URL: %w", err)
	}
	config := embed.NewConfig()
	config.Dir, config.LogLevel, config.UnsafeNoFsync = dir, "warn", true
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	return <-server.Err()
}
