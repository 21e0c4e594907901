package ui_test
import ("testing";"fmt";"time";"github.com/ngworks/nglive/tasks")
func TestProf(t *testing.T) {
	s := newServer(t)
	for n := range 1000 {
		s.recordings = append(s.recordings, recording(n+1, tasks.Running, time.Duration(n)*time.Minute, tasks.StepRunning, tasks.StepPending, tasks.StepPending))
	}
	p := openPage(t, s, "en")
	next(t, s.joined, "join the feed")
	for n := 100; n <= 1000; n += 50 {
		value[float64](p, `globalThis.t0 = performance.now(); document.querySelector('button.more').click(); globalThis.took=0; (function f(){ if (document.querySelectorAll('.row').length === `+fmt.Sprint(n)+`) { took = performance.now()-t0 } else setTimeout(f,1) })(); 0`)
		p.wait(`took > 0`)
		fmt.Println(n, value[float64](p,"took"))
	}
	t0:=time.Now()
	value[float64](p, `document.body.getBoundingClientRect().height`)
	fmt.Println("layout", time.Since(t0))
}
