// Command cmd plays BililiveRecorder.Cli for supervision to be tried by hand:
//
//	go build -o recorder ./worker/recorder/recordertest/cmd && ./recorder run DIR --bind http://127.0.0.1:8200
//
// It is no part of NGlive.
package main

import (
	"os"

	"github.com/ngworks/nglive/worker/recorder/recordertest"
)

func main() { os.Exit(recordertest.Main()) }
