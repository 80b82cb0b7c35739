// Command kstatus prints what kstatus makes of each object on its standard input: one word a line, in their order.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	decoder := json.NewDecoder(os.Stdin)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object)
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatalf("reading an object: %v", err)
		}
		found, err := status.Compute(&object)
		if err != nil {
			log.Fatalf("%s: %v", object.GetName(), err)
		}
		fmt.Println(found.Status)
	}
}
