package api_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smartcam-sdk/smartcam/internal/testing/api"
)

func TestList(t *testing.T) {
	const code = `package p
import "time"
const Limit = 3
type Kind int
const ( First Kind = iota; second )
var Err error
type Same = Kind
type Config struct { Every time.Duration ` + "`json:\"every\"`" + `; hidden int; Base }
type Base struct{}
func (Base) Name() string { return "" }
func (*Config) Close() error { return nil }
func (Config) private() {}
type Closer interface { Close() error }
func New[T any](c Config, rest ...T) (*Config, error) { return nil, nil }
func Open(name string, more ...int) (c *Config, err error) { return nil, nil }
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{Importer: importer.ForCompiler(fset, "source", nil)}).Check("p", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"const First Kind = 0",
		"const Limit untyped int = 3",
		"field Config.Base Base",
		"field Config.Every time.Duration json:\"every\"",
		"func (*Config) Close() error",
		"func (Base) Name() string",
		"func (Config) Name() string",
		"func New[T any](c Config, rest ...T) (*Config, error)",
		"func Open(string, ...int) (*Config, error)",
		"type Base struct",
		"type Closer interface{Close() error}",
		"type Config struct",
		"type Kind int",
		"type Same = Kind",
		"var Err error",
	}
	if diff := cmp.Diff(want, api.List(pkg)); diff != "" {
		t.Error(diff)
	}
}
