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

// sourceFiles returns the Go files below internal by folder, without tests.
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

// flagNames returns the names of the flags of all commands.
func flagNames() []string {
	var names []string
	eachCommand(newApp(), func(c *cli.Command) {
		for _, f := range c.Flags {
			names = append(names, f.Names()...)
		}
	})
	return names
}

// Packages outside of cmd name options, not flags. The exception is the demonstration, whose steps are command lines.
func TestFlags_AreKnownToCmdOnly(t *testing.T) {
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

func TestOptions_HaveFlags(t *testing.T) {
	flags, found := flagNames(), 0
	for _, files := range sourceFiles(t) {
		for _, option := range optionsIn(t, files) {
			found++
			if flag := flagOfOption(option); !slices.Contains(flags, strings.TrimPrefix(flag, "--")) {
				t.Errorf("%s names the option %q, but no command has the flag %s", filepath.Dir(files[0]), option, flag)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d options were found", found)
	}
}

// optionsIn returns the constants of type usererr.Option in a package. It type-checks the package with empty imports, except
// usererr, and ignores the errors that follow from that.
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

// optionImporter imports the part of usererr that declares Option, and every other package as empty.
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
