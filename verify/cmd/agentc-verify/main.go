// Command agentc-verify is the judge: it asks the engines that will enforce the generated files whether they allow exactly what the
// compiler claims. `agentc verify` runs it: a tar archive on standard input (the claims, then the files), an answer in JSON on
// standard output.
//
// It is a program, and a module, of its own: the engines are heavy, need other versions than the compiler does, and must not share its
// faults.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"agentc/verify/judge"
	"agentc/verify/layers"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "agentc-verify: %v\n", err)
		os.Exit(3)
	}
}

func run(stdin io.Reader, stdout io.Writer) error {
	in, err := judge.Read(stdin)
	if err != nil {
		return err
	}
	answer, err := judge.Judge(in, layers.All)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(answer)
}
