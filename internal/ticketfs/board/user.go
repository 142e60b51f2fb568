package board

import (
	"os"
	"path/filepath"
	"slices"
)

// UserName is user.name as git's configuration has it for a command in the folder dir: of the
// repository, else of the user, else of the system; "" where none of them says. Includes are not
// followed, and a file that git would reject says nothing.
func UserName(dir string) string {
	var files []string
	if config := os.Getenv("XDG_CONFIG_HOME"); config != "" {
		files = append(files, filepath.Join(config, "git", "config"))
	} else if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".config", "git", "config"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".gitconfig"))
	}
	files = append([]string{"/etc/gitconfig"}, files...)
	if r, err := repositoryOf(dir); err == nil && r != nil {
		files = append(files, filepath.Join(r.common, "config"))
	}
	for _, path := range slices.Backward(files) {
		settings, err := readConfig(path)
		if err != nil {
			continue // it is the user's to repair, and not needed for a name
		}
		if name, found := lookup(settings, "user", "name"); found && name.value != "" {
			return name.value
		}
	}
	return ""
}
