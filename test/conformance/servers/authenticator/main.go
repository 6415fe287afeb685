// Reads an EKS token as the authenticator in front of an EKS cluster does, and prints whose it is.
//
//	eks-token-verifier <cluster> <region> <token>
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: eks-token-verifier <cluster> <region> <token>")
		os.Exit(2)
	}
	identity, err := token.NewVerifier(os.Args[1], "aws", os.Args[2]).Verify(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(identity); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
