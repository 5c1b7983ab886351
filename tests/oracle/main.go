// Command oracle answers questions about admission with the code of kube-apiserver itself. It reads one JSON request per line and writes one
// JSON answer per line, in the same order. README.md lists the requests.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/capabilities"
)

// answer is what an operation gives back; the loop adds the id.
type answer map[string]any

type operation func(*oracle, json.RawMessage) (answer, error)

var operations = map[string]operation{
	"admit":          (*oracle).admit,
	"authorize":      (*oracle).authorize,
	"cel":            (*oracle).cel,
	"cluster":        (*oracle).cluster,
	"review":         (*oracle).review,
	"typeCheck":      (*oracle).typeCheck,
	"validatePolicy": (*oracle).validatePolicy,
}

// oracle holds what outlives a request: the resources that the release serves and the cluster that was loaded last.
type oracle struct {
	discovery *discovery
	loaded    *loadedCluster
}

func main() {
	discoveryFile := flag.String("discovery", "", "file with the APIResourceLists of the release")
	verbose := flag.Bool("log", false, "leave the log of the Kubernetes packages on")
	flag.Parse()
	if !*verbose {
		silenceLog()
	}
	// kubeadm and the managed offerings allow privileged containers; the bare default of the flag does not.
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	served, err := loadDiscovery(*discoveryFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
	o := &oracle{discovery: served}
	if err := o.start(nil, false); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
	if err := o.serve(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func silenceLog() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("alsologtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(discard{})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (o *oracle) serve() error {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for decoder.More() {
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			return fmt.Errorf("a request is not JSON: %w", err)
		}
		if err := encoder.Encode(o.reply(line)); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (o *oracle) reply(line json.RawMessage) (reply answer) {
	var head struct {
		ID json.RawMessage `json:"id"`
		Op string          `json:"op"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return answer{"failure": err.Error()}
	}
	defer func() {
		if p := recover(); p != nil {
			reply = answer{"failure": fmt.Sprintf("panic: %v\n%s", p, debug.Stack())}
		}
		if len(head.ID) > 0 {
			reply["id"] = head.ID
		}
	}()
	run, known := operations[head.Op]
	if !known {
		return answer{"failure": fmt.Sprintf("unknown op %q", head.Op)}
	}
	result, err := run(o, line)
	if err != nil {
		return answer{"failure": err.Error()}
	}
	return result
}
