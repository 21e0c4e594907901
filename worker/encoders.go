package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ngworks/nglive/worker/ffmpeg"
)

// programs remembers what this node's ffmpeg can do, until it is replaced.
type programs struct {
	prober ffmpeg.Prober
	mu     sync.Mutex
	known  *ffmpeg.Reads
}

// encoder returns the wanted encoder when it really works here, else libx264 and a warning.
func (w *Worker) encoder(ctx context.Context, wanted string) (encoder, warning string) {
	if wanted == "libx264" {
		return wanted, ""
	}
	probes, err := w.programs.prober.Encoders(ctx, w.tools, false)
	if err != nil {
		return "libx264", fmt.Sprintf("The encoders of this machine could not be tried (%v). libx264 is used in place of %s.", err, wanted)
	}
	return ffmpeg.Pick(probes, wanted)
}

// canRead says in plain words when this ffmpeg cannot read one of the codecs. What it can do is remembered; what it cannot is
// tried anew each time, since the user was told to install another one.
func (w *Worker) canRead(ctx context.Context, codecs ...string) error {
	w.programs.mu.Lock()
	defer w.programs.mu.Unlock()
	for fresh := false; ; fresh = true {
		if w.programs.known == nil || fresh {
			r, err := w.tools.ReadsHEVCinFLV(ctx)
			if err != nil {
				return err
			}
			w.programs.known = &r
		}
		var errs []error
		for _, c := range codecs {
			errs = append(errs, w.programs.known.CanRead(c))
		}
		if err := errors.Join(errs...); err == nil || fresh {
			return err
		}
	}
}

// probe finds out at start what the programs can do, so that the first recording does not wait for it and the others see it.
func (w *Worker) probe(ctx context.Context) error {
	if err := w.canRead(ctx); err != nil {
		w.log.Warn("ffmpeg could not be tried", "error", words(err))
		warnings := []string{words(err)}
		w.warnings.Store(&warnings)
		return nil
	}
	probes, err := w.programs.prober.Encoders(ctx, w.tools, false)
	if err != nil {
		w.log.Warn("encoders could not be tried", "error", words(err))
		return nil
	}
	var works []string
	for _, p := range probes {
		if p.Works {
			works = append(works, p.Name)
		}
	}
	w.encoders.Store(&works)
	if _, warning := ffmpeg.Pick(probes, w.cfg.Defaults.Transcode.Encoder); warning != "" && w.cfg.Defaults.Transcode.Mode != "COPY" {
		w.log.Warn("encoder replaced", "warning", warning)
		warnings := []string{warning}
		w.warnings.Store(&warnings)
	}
	return nil
}
