package rawfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// What a File says of a file is what package os says.
func TestAsPackageOS(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	f, err := Open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("some text")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Chmod(0o640), f.Sync()); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (fs.FileInfo, error){
		"a file": f.Stat,
		"a folder": func() (fs.FileInfo, error) {
			d, err := Open(dir, os.O_RDONLY, 0)
			if err != nil {
				return nil, err
			}
			defer d.Close()
			return d.Stat()
		},
	} {
		got, err := open()
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.Lstat(map[string]string{"a file": path, "a folder": dir}[name])
		if err != nil {
			t.Fatal(err)
		}
		if got.Name() != want.Name() || got.Size() != want.Size() || got.Mode() != want.Mode() ||
			got.IsDir() != want.IsDir() || !got.ModTime().Equal(want.ModTime()) ||
			!SameFile(got, want) {
			t.Errorf("%s: %v %v %v, package os says %v %v %v", name, got.Name(), got.Mode(),
				got.ModTime(), want.Name(), want.Mode(), want.ModTime())
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err == nil {
		t.Error("closed twice without an error")
	}
	if f, err = Open(path, os.O_RDONLY, 0); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != "some text" {
		t.Errorf("read %q, %v", text, err)
	}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("a file opened to be read was written")
	}
}

func TestErrorsAsPackageOS(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"missing": filepath.Join(dir, "none"),
		"below a file": filepath.Join(os.Args[0], "f")} {
		_, err := Open(path, os.O_RDONLY, 0)
		_, want := os.OpenFile(path, os.O_RDONLY, 0)
		if err == nil || err.Error() != want.Error() {
			t.Errorf("%s: %v, package os says %v", name, err, want)
		}
	}
	if _, err := Open(filepath.Join(dir, "none"), os.O_RDONLY, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRemoved(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	path := filepath.Join(t.TempDir(), "f")
	f, err := Open(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, removed := range []bool{false, true} {
		if removed {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		if info, err := f.Stat(); err != nil || Removed(info) != removed {
			t.Errorf("removed: %v, want %v (%v)", Removed(info), removed, err)
		}
	}
}

// A folder of more names than one call gives.
func TestNamesAsPackageOS(t *testing.T) {
	dir := t.TempDir()
	want := make(map[string]bool)
	for n := range 1000 {
		name := fmt.Sprint("a name of some length, ", n)
		want[name] = true
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(dir, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil || len(names) != len(want) {
		t.Errorf("%d names, %v", len(names), err)
	}
	for _, name := range names {
		if !want[name] {
			t.Errorf("%q is not there", name)
		}
	}
	file, err := Open(filepath.Join(dir, names[0]), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if names, err := file.Readdirnames(-1); err == nil {
		t.Errorf("a file has the names %q", names)
	}
}
