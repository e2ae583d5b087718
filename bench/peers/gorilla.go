// Go with gorilla/websocket, based on its echo and chat examples. Each path except /echo is a room,
// with a write pump and a buffered channel for each member.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

type message struct {
	kind int
	data []byte
}

type room struct {
	sync.RWMutex
	members map[chan message]struct{}
}

var upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}

var rooms = struct {
	sync.Mutex
	named map[string]*room
}{named: map[string]*room{}}

func roomNamed(name string) *room {
	rooms.Lock()
	defer rooms.Unlock()
	found, ok := rooms.named[name]
	if !ok {
		found = &room{members: map[chan message]struct{}{}}
		rooms.named[name] = found
	}
	return found
}

func echo(conn *websocket.Conn) {
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func chat(conn *websocket.Conn, in *room) {
	send := make(chan message, 256)
	go func() {
		for each := range send {
			if conn.WriteMessage(each.kind, each.data) != nil {
				return
			}
		}
	}()
	in.Lock()
	in.members[send] = struct{}{}
	in.Unlock()
	defer func() {
		in.Lock()
		delete(in.members, send)
		in.Unlock()
		close(send)
	}()
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		in.RLock()
		for member := range in.members {
			member <- message{kind, data}
		}
		in.RUnlock()
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "listening on %s\n", listener.Addr())
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		if r.URL.Path == "/echo" {
			echo(conn)
		} else {
			chat(conn, roomNamed(r.URL.Path))
		}
	})))
}
