package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
)

const (
	clockMend = "switch time synchronisation on: sudo timedatectl set-ntp true / 请开启时间同步"
	// fileClockSlack is what a NAS's clock may be off before a file that still
	// grows looks finished.
	fileClockSlack = 5 * time.Second
	oldestYear     = 2026 // this program is not older
)

func examineClock() findings {
	var f findings
	now := time.Now()
	if now.Year() < oldestYear {
		f.add(bad, "clock 时钟", fmt.Sprintf("this machine believes it is %d / 系统时间不对", now.Year()), clockMend)
		return f
	}
	f.add(good, "clock 时钟", now.Format("2006-01-02 15:04:05 -07:00"), "")
	return f
}

// place is one of the configured folders, and the disk it lies on.
type place struct {
	name, path string
	mayBeAway  bool // its disk is waited for
	disk       disk.PartitionStat
	usage      *disk.UsageStat
}

func examineFolders(ctx context.Context, cfg Config) findings {
	places := []*place{
		{name: "RECORDINGS_DIR", path: cfg.RecordingsDir},
		{name: "OUTPUT_DIR", path: cfg.OutputDir},
		{name: "ARCHIVE_DIR", path: cfg.ArchiveDir, mayBeAway: true},
		{name: "DATA_DIR", path: cfg.DataDir},
	}
	partitions, _ := disk.PartitionsWithContext(ctx, true) // without them only the disks' names are missing
	var f findings
	for _, p := range places {
		f = append(f, p.examine(ctx, cfg, partitions)...)
	}
	recordings, archive := places[0], places[2]
	if recordings.sameDisk(archive) {
		f.add(note, "disks 磁盘", "ARCHIVE_DIR lies on the same disk as RECORDINGS_DIR: when it breaks, both copies are gone / 归档和录像在同一块磁盘上",
			"set NGLIVE_ARCHIVE_DIR to another disk or a NAS / 请把 NGLIVE_ARCHIVE_DIR 放到另一块磁盘或 NAS")
	}
	return f
}

func (p *place) examine(ctx context.Context, cfg Config, partitions []disk.PartitionStat) findings {
	var f findings
	name := "folder 文件夹 " + p.name
	there := existing(p.path)
	if p.mayBeAway && there != p.path && there != filepath.Dir(p.path) {
		f.addWaiting(name, p.path+" is away: the folder above it is missing, too / 归档文件夹不在，上级文件夹也不存在",
			"connect or mount its disk, or make the folder above it yourself; archiving waits until then / 请连接或挂载磁盘，或手动创建上级文件夹；在此之前归档会等待")
		return f
	}
	apart, err := tryWriting(there)
	if err != nil {
		return p.unwritable(there, err)
	}
	if apart > fileClockSlack {
		f.add(note, name, fmt.Sprintf("its disk's clock is %s apart from ours / 该磁盘（NAS？）的时钟有偏差", apart.Round(time.Second)), clockMend)
	}
	p.disk = partitionOf(there, partitions)
	if p.usage, err = disk.UsageWithContext(ctx, there); err != nil {
		f.add(note, name, fmt.Sprintf("its free space is unknown: %v / 无法得知剩余空间", err), "look at the disk / 请检查磁盘")
		return f
	}
	text := p.path
	if there != p.path {
		text += " (will be made / 将自动创建)"
	}
	text += fmt.Sprintf(" on %s, %s free of %s / 剩余空间", p.diskName(), bytesText(p.usage.Free), bytesText(p.usage.Total))
	switch free := p.usage.Free; {
	case free < cfg.DiskHold.Of(p.usage.Total):
		f.addWaiting(name, text, "less than NGLIVE_DISK_HOLD: transcodes would wait; make room / 空间不足，转码会暂停，请清理磁盘")
	case free < cfg.DiskWarn.Of(p.usage.Total):
		f.add(note, name, text, "less than NGLIVE_DISK_WARN; make room soon / 空间偏少，请尽快清理")
	default:
		f.add(good, name, text, "")
	}
	return f
}

// unwritable tells a full disk, which is waited for, from a folder that is not ours to write.
func (p *place) unwritable(there string, err error) (f findings) {
	name := "folder 文件夹 " + p.name
	if errors.Is(err, syscall.ENOSPC) {
		f.addWaiting(name, there+" is full / 磁盘已满", "make room; what needs it waits until then / 请清理磁盘，需要空间的任务会等待")
		return f
	}
	f.add(bad, name, fmt.Sprintf("%s cannot be written to: %v / 无法写入", there, err),
		fmt.Sprintf("sudo chown -R \"$USER\" '%s', or set NGLIVE_%s to another folder / 修改权限或换一个文件夹", there, p.name))
	return f
}

// existing is the nearest folder on the way to path that is there.
func existing(path string) string {
	for {
		if info, err := os.Stat(path); err == nil && info.IsDir() || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// tryWriting writes and removes a small file, and says how far the disk's clock
// is from ours.
func tryWriting(dir string) (apart time.Duration, err error) {
	file, err := os.CreateTemp(dir, ".nglive-doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString("written by nglive doctor")
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(file.Name())
	if err != nil {
		return 0, err
	}
	return time.Since(info.ModTime()).Abs(), nil
}

// partitionOf is the one whose mount point is nearest above path.
func partitionOf(path string, partitions []disk.PartitionStat) disk.PartitionStat {
	var nearest disk.PartitionStat
	path = realPath(path)
	for _, p := range partitions {
		if (path == p.Mountpoint || inside(path, p.Mountpoint)) && len(p.Mountpoint) >= len(nearest.Mountpoint) {
			nearest = p
		}
	}
	return nearest
}

// sameDisk holds when both lie on one mount, or on two mounts of one device.
func (p *place) sameDisk(other *place) bool {
	if p.disk.Mountpoint == "" {
		return false
	}
	return p.disk.Mountpoint == other.disk.Mountpoint ||
		strings.HasPrefix(p.disk.Device, "/dev/") && p.disk.Device == other.disk.Device
}

func (p *place) diskName() string {
	if p.disk.Mountpoint == "" {
		return p.usage.Fstype
	}
	return p.disk.Mountpoint + " (" + p.disk.Fstype + ")"
}

// bytesText is a size for people.
func bytesText(n uint64) string {
	const unit = 1024
	size, suffix := float64(n), "B"
	for _, s := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if size < unit {
			break
		}
		size, suffix = size/unit, s
	}
	if suffix == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, suffix)
}
