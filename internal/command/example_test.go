package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/smartcam-sdk/smartcam/internal/command"
)

// loop is a channel whose messages wait in memory for the other end.
type loop chan []byte

func (l loop) Send(ctx context.Context, _ bool, data []byte) error {
	select {
	case l <- bytes.Clone(data):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l loop) deliver(to *command.Session) {
	for data := range l {
		if to.Receive(data) != nil {
			return
		}
	}
}

func Example() {
	light := func(_ context.Context, name string, body json.RawMessage) (any, error) {
		return map[string]any{"command": name, "took": body}, nil
	}
	up, down := make(loop), make(loop)
	camera, viewer := command.NewSession(down, light, nil), command.NewSession(up, nil, nil)
	go up.deliver(camera)
	go down.deliver(viewer)
	defer close(up)
	defer close(down)
	defer camera.Close()
	defer viewer.Close()

	reply, err := viewer.Call(context.Background(), "light", map[string]bool{"night": true})
	fmt.Println(string(reply), err)
	// Output: {"command":"light","took":{"night":true}} <nil>
}
