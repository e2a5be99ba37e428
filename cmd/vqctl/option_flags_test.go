package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

const optionPackage = "ventriloquist/internal/usererr"

// sourceFiles are the Go files below internal by their folder, tests apart.
func sourceFiles(t *testing.T) map[string][]string {
	t.Helper()
	folders := map[string][]string{}
	err := filepath.WalkDir(filepath.Join("..", "..", "internal"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], path)
		}
		return err
	})
	if err != nil || len(folders) < 10 {
		t.Fatalf("%d folders were found (%v)", len(folders), err)
	}
	return folders
}

// flagNames are the names of the flags of all commands.
func flagNames() []string {
	var names []string
	eachCommand(newApp(), func(c *cli.Command) {
		for _, f := range c.Flags {
			names = append(names, f.Names()...)
		}
	})
	return names
}

// The packages below know no flags. The demonstration alone has some: its steps are command lines, as a user types them.
func TestFlags_StandInCmdAlone(t *testing.T) {
	flags, spelled := flagNames(), regexp.MustCompile(`--([a-z][a-z0-9-]*)`)
	for _, files := range sourceFiles(t) {
		for _, path := range files {
			if strings.HasSuffix(path, filepath.Join("demo", "steps.go")) {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				for _, m := range spelled.FindAllStringSubmatch(line, -1) {
					if slices.Contains(flags, m[1]) {
						t.Errorf("%s:%d spells %s: name the option by its field, usererr.Option", path, i+1, m[0])
					}
				}
			}
		}
	}
}

// The table has a flag for every option that is named, each is one of a command, and none is left over.
func TestFlagOfOption_IsComplete(t *testing.T) {
	used, flags := map[string]bool{}, flagNames()
	for _, files := range sourceFiles(t) {
		for _, option := range optionsIn(t, files) {
			if !used[option] && flagOfOption[option] == "" {
				t.Errorf("%s names the option %q, which has no flag", filepath.Dir(files[0]), option)
			}
			used[option] = true
		}
	}
	for option, flag := range flagOfOption {
		if !used[option] {
			t.Errorf("nothing names the option %q", option)
		}
		if !slices.Contains(flags, flag) {
			t.Errorf("no command has the flag --%s of %q", flag, option)
		}
	}
}

// optionsIn are the constants of the type usererr.Option in a package. Its other imports stay empty, and what does not make
// sense without them is passed over.
func optionsIn(t *testing.T, files []string) (options []string) {
	t.Helper()
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, path := range files {
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: optionImporter{}, Error: func(error) {}, FakeImportC: true}
	config.Check("package", fset, parsed, &info) // its errors are those of the imports
	for _, value := range info.Types {
		named, ok := value.Type.(*types.Named)
		if ok && named.Obj().Name() == "Option" && named.Obj().Pkg().Path() == optionPackage && value.Value != nil {
			options = append(options, constant.StringVal(value.Value))
		}
	}
	return options
}

// optionImporter knows the package usererr, as far as it declares options, and takes all others for empty.
type optionImporter struct{}

func (optionImporter) Import(path string) (*types.Package, error) {
	if path != optionPackage {
		p := types.NewPackage(path, filepath.Base(path))
		p.MarkComplete()
		return p, nil
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join("..", "..", "internal", "usererr", "option.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	config := types.Config{Importer: optionImporter{}, Error: func(error) {}}
	p, _ := config.Check(path, fset, []*ast.File{f}, nil)
	p.MarkComplete()
	return p, nil
}
