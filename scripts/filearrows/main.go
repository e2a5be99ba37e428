// Command filearrows checks the order of the files of a package: a file may use what the files on its own line or on the
// lines below define. The order is a list in the package's doc.go, a line for each layer, which begins with the names of
// its files. Files that are not in the list are errors.
//
//	go run ./scripts/filearrows internal/messages …
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	failed := false
	for _, folder := range os.Args[1:] {
		lines, err := check(folder)
		if err != nil {
			lines = []string{err.Error()}
		}
		for _, line := range lines {
			fmt.Fprintf(os.Stderr, "filearrows: %s: %s\n", folder, line)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// check returns what is wrong with the order of a package's files.
func check(folder string) ([]string, error) {
	set := token.NewFileSet()
	files := map[string]*ast.File{}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if files[filepath.Base(path)], err = parser.ParseFile(set, path, nil, parser.ParseComments); err != nil {
			return nil, err
		}
	}
	doc := files["doc.go"]
	if doc == nil || doc.Doc == nil {
		return nil, errors.New("there is no doc.go with a list of files")
	}
	delete(files, "doc.go")
	layers := layersOf(doc.Doc.Text())
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if layers[name] == 0 {
			wrong = append(wrong, name+" is not in the list in doc.go")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		if files[name] == nil {
			wrong = append(wrong, "doc.go lists "+name+", which does not exist")
		}
	}
	uses := usesOf(set, files)
	for _, arrow := range slices.Sorted(maps.Keys(uses)) {
		from, to, _ := strings.Cut(arrow, " ")
		if layers[to] < layers[from] {
			wrong = append(wrong, fmt.Sprintf("%s uses %s of %s, which doc.go lists above it", from, strings.Join(uses[arrow], ", "), to))
		}
	}
	return wrong, nil
}

// layersOf returns the layer of each file in a list, counted from the top.
func layersOf(doc string) map[string]int {
	layers := map[string]int{}
	for n, line := range strings.Split(doc, "\n") {
		if !strings.HasPrefix(line, "\t") {
			continue
		}
		for _, word := range strings.Fields(line) {
			if !strings.HasSuffix(word, ".go") {
				break
			}
			layers[word] = n + 1
		}
	}
	return layers
}

// usesOf returns the names that each file uses of another one, by "from to". Imported packages are not read: what is
// called through their types is missing.
func usesOf(set *token.FileSet, files map[string]*ast.File) map[string][]string {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	list := slices.Collect(maps.Values(files))
	pkg, _ := config.Check("p", set, list, info) // errors are expected, as nothing is imported
	uses := map[string][]string{}
	for ident, object := range info.Uses {
		if object.Pkg() != pkg || !object.Pos().IsValid() {
			continue
		}
		from, to := filepath.Base(set.Position(ident.Pos()).Filename), filepath.Base(set.Position(object.Pos()).Filename)
		if key := from + " " + to; from != to && !slices.Contains(uses[key], object.Name()) {
			uses[key] = append(uses[key], object.Name())
		}
	}
	for key := range uses {
		slices.Sort(uses[key])
	}
	return uses
}

// noImports makes every imported package an unknown one.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("%s is not read", path)
}
