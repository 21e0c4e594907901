package baidutest

import (
	"fmt"
	"net/http"
)

// Locate is how locateupload answers.
type Locate struct {
	// FirstDead names a first host that answers nobody.
	FirstDead bool
	// Rotate names another host first at every call.
	Rotate bool
	// PlainToo adds an entry that is plain http to those of a Baidu with TLS, as the real one does. PlainSlices counts what goes there.
	PlainToo bool
}

// sliceHost is the name of the n-th slice host; the dash marks the regional ones.
func sliceHost(n int) string {
	cities := []string{"bjdd", "xafj", "gzhxy", "szth", "nj"}
	return fmt.Sprintf("%s-ct%d.%s", cities[n%len(cities)], 11+n/len(cities), pcsHost)
}

// locateUpload names the hosts that take slices. Who asks does not matter, as in truth.
func (c *call) locateUpload() (fields, *refusal) {
	if c.param("upload_version") != "2.0" || c.param("app_id") == "" && c.param("appid") == "" {
		return nil, refuse(31023, "param error")
	}
	var servers []fields
	if c.fault != nil && c.fault.Action == NoSuchHost {
		servers = append(servers, c.serverEntry("https://gone-ct99."+pcsHost+".invalid"))
	}
	shift := 0
	if c.s.opts.Locate.Rotate {
		shift = c.s.located
	}
	c.s.located++
	for i := range c.s.hostnames {
		servers = append(servers, c.serverEntry(c.hostURL((i+shift)%len(c.s.hostnames))))
	}
	plain := []fields{}
	switch {
	case c.proxied:
		plain = append(plain, c.serverEntry("http://"+c.s.hostnames[0]))
	case c.s.plainHost != "":
		plain = append(plain, c.serverEntry(c.s.plainHost))
	}
	return fields{
		"error_code": 0, "error_msg": "", "host": "c." + pcsHost, "servers": append(servers, plain...), "bak_servers": servers[len(servers)-1:],
		"server": []string{}, "bak_server": []string{}, "quic_server": []string{}, "quic_servers": []fields{}, "client_ip": "127.0.0.1",
		"expire": 60, "newno": "", "sl": 83886080, "server_time": c.s.now().Unix(), "timeout": fields{"expire": 60},
	}, nil
}

func (c *call) serverEntry(url string) fields { return fields{"server": url} }

// hostURL is a host under the name that the client can reach: a real one behind the proxy, else the listener.
func (c *call) hostURL(n int) string {
	if c.proxied {
		return "https://" + c.s.hostnames[n]
	}
	return c.s.urls.Hosts[n]
}

// SetHostDown cuts a slice host off (or brings it back); n counts from 0, in the order of URLs().Hosts.
func (s *Server) SetHostDown(n int, down bool) {
	s.mu.Lock()
	name := s.hostnames[n]
	s.mu.Unlock()
	s.setDown(name, down)
}

func (s *Server) setDown(name string, down bool) {
	s.mu.Lock()
	s.down[name] = down
	var conns []*linkConn
	for _, l := range s.listeners {
		if l.host == name {
			conns = l.conns()
		}
	}
	s.mu.Unlock()
	if !down {
		return
	}
	for _, conn := range conns {
		conn.kill()
	}
}

// isDown says whether a request for the host meets nobody.
func (s *Server) isDown(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down[host]
}

// markPlain counts slices that came in the clear, which no client should send.
func (c *call) markPlain() {
	if c.endpoint == SuperFile2 && !c.https && (c.s.opts.TLS || c.proxied) && c.r.Method == http.MethodPost {
		c.s.counts.plain++
	}
}
