// Command kubernetes is every part of a one-node Kubernetes in one static binary.
//
//	kubernetes COMPONENT [ARGS ...]
//
// COMPONENT is kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl or etcd;
// a link with one of these names starts that component too. One binary instead of seven shares most of its
// packages: it links in a fraction of the time and takes a fraction of the disk.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	_ "time/tzdata" // CronJobs name time zones; the machine may have no database of them

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = map[string]func() *cobra.Command{
	"etcd":                    newEtcdCommand,
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-proxy":              proxy.NewProxyCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

func main() {
	name := filepath.Base(os.Args[0])
	if _, linked := components[name]; !linked && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	newCommand, ok := components[name]
	if !ok {
		log.Fatalf("unknown component %q", name)
	}
	os.Exit(cli.Run(newCommand()))
}
