package web

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/ngworks/nglive/tasks"
)

// player sends finished videos, with ranges, when this process runs on the node that holds them. It opens nothing outside
// the output folder.
type player struct {
	store *tasks.Store
	node  string
	dir   string // OUTPUT_DIR
	log   *slog.Logger
}

func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec, err := p.store.Recording(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, tasks.ErrNoRecording):
		refuse(w, http.StatusNotFound, "not_found", "There is no recording with this id.")
		return
	case err != nil:
		p.log.Warn("recording not read", "error", redacted(err.Error()))
		refuse(w, http.StatusServiceUnavailable, "unavailable", "NGlive does not reach its Redis right now. Try again in a moment.")
		return
	}
	video := rec.Input("")
	switch {
	case video.Path == "":
		refuse(w, http.StatusNotFound, "no_video", "This recording has no finished video yet.")
	case p.dir == "" || rec.Node != p.node:
		refuse(w, http.StatusNotFound, "other_node", "The video lies on another node. Open the page of that node to watch it.")
	default:
		p.play(w, r, video.Path)
	}
}

func (p *player) play(w http.ResponseWriter, r *http.Request, name string) {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		p.gone(w, err)
		return
	}
	defer func() { _ = root.Close() }()
	name = filepath.FromSlash(name)
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		p.gone(w, err)
		return
	}
	f, err := root.Open(name)
	if err != nil {
		p.gone(w, err)
		return
	}
	defer func() { _ = f.Close() }()
	base := path.Base(filepath.ToSlash(name))
	w.Header().Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": base}))
	if path.Ext(base) == ".flv" {
		w.Header().Set("Content-Type", "video/x-flv")
	}
	http.ServeContent(w, r, base, info.ModTime(), f)
}

func (p *player) gone(w http.ResponseWriter, err error) {
	p.log.Debug("video not opened", "error", err)
	refuse(w, http.StatusNotFound, "video_gone", "The video is not in the output folder any more: it was moved, deleted, or its disk is not there.")
}
