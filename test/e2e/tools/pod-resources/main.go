// pod-resources serves kubelet's PodResources API with kubelet's own types: on the unix socket that the first argument names, what the
// JSON file that the second names says. Without a socket ("-") it prints the answer to List in hex, as it is on the wire.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	v1 "k8s.io/kubelet/pkg/apis/podresources/v1"
)

type lister struct {
	v1.UnimplementedPodResourcesListerServer
	file string
}

func (l lister) List(context.Context, *v1.ListPodResourcesRequest) (*v1.ListPodResourcesResponse, error) {
	return l.read()
}

func (l lister) read() (*v1.ListPodResourcesResponse, error) {
	text, err := os.ReadFile(l.file)
	if err != nil {
		return nil, err
	}
	response := &v1.ListPodResourcesResponse{}
	return response, protojson.Unmarshal(text, response)
}

func main() {
	socket, service := os.Args[1], lister{file: os.Args[2]}
	if socket == "-" {
		response, err := service.read()
		check(err)
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(response)
		check(err)
		fmt.Println(hex.EncodeToString(bytes))
		return
	}
	listener, err := net.Listen("unix", socket)
	check(err)
	server := grpc.NewServer()
	v1.RegisterPodResourcesListerServer(server, service)
	fmt.Println("serving")
	check(server.Serve(listener))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
