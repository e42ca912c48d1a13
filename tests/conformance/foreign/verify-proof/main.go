// Command verify-proof checks a .tlog-proof against an entry and a policy, with a verifier that is not ours.
//
//	verify-proof POLICY PROOF ENTRY
package main

import (
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
	fmt.Println("verified")
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: verify-proof POLICY PROOF ENTRY")
	}
	var files [3][]byte
	for i, name := range args {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files[i] = content
	}
	policy, err := torchwood.ParsePolicy(files[0])
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(files[2]), files[1])
}
