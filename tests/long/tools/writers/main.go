// writers OPTION... FOLDER ENDPOINT...: clients that write without pause until stdin ends or -count is reached, each with
// several writes under way. FOLDER has ca.crt, client.crt and client.key. At the end: what was acknowledged, what of it is
// missing, and how long the cluster took no write, as JSON.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	afterError = 5 * time.Millisecond
	pageOfKeys = 5000 // with values of readBack bytes less than the largest answer
	readBack   = 256
)

var (
	clients   = flag.Int("clients", 6, "connections")
	pipelined = flag.Int("pipelined", 16, "writes under way on each of them")
	bytes     = flag.Int("bytes", 64, "of each value")
	count     = flag.Int64("count", 0, "writes in all; 0: until stdin ends")
	apart     = flag.Bool("apart", false, "each connection to one member only, the next one to the next")
	prefix    = flag.String("prefix", "busy/", "of all keys")
	limit     = flag.Duration("limit", 2*time.Second, "of a write: then it counts as not acknowledged")
)

type result struct {
	Acknowledged int     `json:"acknowledged"`
	Missing      int     `json:"missing"`
	LongestGapMs int64   `json:"longestGapMs"`
	GapBegan     string  `json:"gapBegan"`
	Seconds      float64 `json:"seconds"`
	PerSecond    []int   `json:"perSecond"`
}

// watch notes when writes were acknowledged.
type watch struct {
	sync.Mutex
	began, last, gapBegan time.Time
	longest               time.Duration
	perSecond             []int
}

func (w *watch) acknowledged() {
	w.Lock()
	defer w.Unlock()
	now := time.Now()
	if w.last.IsZero() {
		w.began, w.last, w.gapBegan = now, now, now
		fmt.Println("writing")
	}
	if gap := now.Sub(w.last); gap > w.longest {
		w.longest, w.gapBegan = gap, w.last
	}
	w.last = now
	for len(w.perSecond) <= int(now.Sub(w.began).Seconds()) {
		w.perSecond = append(w.perSecond, 0)
	}
	w.perSecond[len(w.perSecond)-1]++
}

func main() {
	flag.Parse()
	credentials := load(flag.Arg(0))
	var stop atomic.Bool
	if *count == 0 {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop.Store(true)
		}()
	}
	var seen watch
	var begun atomic.Int64
	var all sync.WaitGroup
	kept := make([][]int, *clients**pipelined)
	for n := range *clients {
		client := connect(credentials, endpointsOf(n))
		defer client.Close()
		for p := range *pipelined {
			writer := n**pipelined + p
			all.Go(func() { kept[writer] = write(client, writer, &stop, &begun, &seen) })
		}
	}
	all.Wait()
	ended := time.Now()
	told := result{
		LongestGapMs: seen.longest.Milliseconds(),
		GapBegan:     seen.gapBegan.UTC().Format(time.RFC3339Nano),
		Seconds:      ended.Sub(seen.began).Seconds(),
		PerSecond:    seen.perSecond,
	}
	client := connect(credentials, flag.Args()[1:])
	defer client.Close()
	for writer, numbers := range kept {
		told.Acknowledged += len(numbers)
		told.Missing += missing(client, writer, numbers)
	}
	must(json.NewEncoder(os.Stdout).Encode(told))
}

// write returns the numbers of those that were acknowledged. A write that failed may or may not be there: nobody was
// promised it, so its number is not used again.
func write(client *clientv3.Client, writer int, stop *atomic.Bool, begun *atomic.Int64, seen *watch) []int {
	var kept []int
	padding := strings.Repeat("x", *bytes)
	for number := 0; !stop.Load(); number++ {
		if *count > 0 && begun.Add(1) > *count {
			break
		}
		limited, cancel := context.WithTimeout(context.Background(), *limit)
		_, err := client.Put(limited, keyOf(writer, number), padding)
		cancel()
		if err != nil {
			begun.Add(-1)
			time.Sleep(afterError)
			continue
		}
		seen.acknowledged()
		kept = append(kept, number)
	}
	return kept
}

func keyOf(writer, number int) string { return fmt.Sprintf("%s%03d/%09d", *prefix, writer, number) }

// missing counts the acknowledged writes that are not there; small ones are read back, of large ones only the keys.
func missing(client *clientv3.Client, writer int, numbers []int) int {
	there := map[string]bool{}
	from, end := keyOf(writer, 0), clientv3.GetPrefixRangeEnd(fmt.Sprintf("%s%03d/", *prefix, writer))
	options := []clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(pageOfKeys)}
	if *bytes > readBack {
		options = append(options, clientv3.WithKeysOnly())
	}
	for more := true; more; {
		answer, err := client.Get(context.Background(), from, options...)
		must(err)
		for _, found := range answer.Kvs {
			there[string(found.Key)] = *bytes > readBack || len(found.Value) == *bytes
			from = string(found.Key) + "\x00"
		}
		more = answer.More
	}
	return len(slices.DeleteFunc(slices.Clone(numbers), func(number int) bool { return there[keyOf(writer, number)] }))
}

// endpointsOf connection n: a client of several sends each request to another member.
func endpointsOf(n int) []string {
	all := flag.Args()[1:]
	if *apart {
		return []string{all[n%len(all)]}
	}
	return all
}

func connect(credentials *tls.Config, endpoints []string) *clientv3.Client {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   endpoints,
		TLS:         credentials,
		DialTimeout: 5 * time.Second,
		Logger:      zap.NewNop(),
	})
	must(err)
	return client
}

func load(folder string) *tls.Config {
	authorities := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	must(err)
	authorities.AppendCertsFromPEM(pem)
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "client.crt"), filepath.Join(folder, "client.key"))
	must(err)
	return &tls.Config{RootCAs: authorities, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "writers:", err)
		os.Exit(1)
	}
}
